#include "tests/soak/traffic.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <vector>

namespace pellicle::soak {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using lab::LabError;

namespace {

constexpr auto kBeat = 20ms;
constexpr uint16_t kFirstPort = 20000;  // of stream 0
constexpr uint16_t kStreams = 20000;    // then ports repeat
constexpr uint16_t kAnswers = 7099;
// Packets of a stream stay in order. A packet is lost if it is this old and a later one has
// arrived, or if it is older than a busy guest may take.
constexpr auto kOvertaken = 2s;
constexpr auto kLongest = 10s;
// From the smallest to one that fills a pod's MTU (1500 less ESP's 77 and IP's and UDP's headers).
constexpr std::array<size_t, 4> kSizes{64, 200, 600, 1390};

struct Datagram {
  std::array<char, 48> mark{};
  int32_t stream = 0;
  uint64_t number = 0;
};

std::vector<char> bytes_of(int stream, uint64_t number) {
  Datagram datagram{.stream = stream, .number = number};
  kCleartextMark.copy(datagram.mark.data(), datagram.mark.size());
  std::vector<char> bytes(std::max(sizeof datagram, kSizes[number % kSizes.size()]));
  std::memcpy(bytes.data(), &datagram, sizeof datagram);
  return bytes;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// A datagram must not be lost because the thread sleeps too long in a busy guest.
FileDescriptor roomy_socket(const std::string& pod) {
  FileDescriptor made = lab::udp_socket_in(pod);
  const int room = 8 << 20;
  if (setsockopt(made.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) {
    throw LabError("a larger receive buffer in " + pod + ": " + std::strerror(errno));
  }
  return made;
}

FileDescriptor bound_socket(const std::string& pod, uint16_t port) {
  FileDescriptor made = roomy_socket(pod);
  const sockaddr_in any = lab::udp_address("0.0.0.0", port);
  if (bind(made.get(), generic(any), sizeof any) != 0) {
    throw LabError("bind in " + pod + ": " + std::strerror(errno));
  }
  return made;
}

}  // namespace

Traffic::Traffic(Ledger& ledger) : ledger_(ledger), thread_([this] { run(); }) {}

Traffic::~Traffic() {
  ended_ = true;
}

int Traffic::add(const Place& from, const Place& to) {
  const std::lock_guard lock(mutex_);
  const int number = streams_made_++;
  const auto port = static_cast<uint16_t>(kFirstPort + number % kStreams);
  Stream stream(number, from, to);
  stream.receiver = bound_socket(to.pod, port);
  stream.sender = roomy_socket(from.pod);
  const sockaddr_in there = lab::udp_address(to.address, port);
  if (connect(stream.sender.get(), generic(there), sizeof there) != 0) {
    throw LabError("connect in " + from.pod + ": " + std::strerror(errno));
  }
  streams_.push_back(std::move(stream));
  return number;
}

bool Traffic::nothing_under_way(int stream) {
  const std::lock_guard lock(mutex_);
  return std::all_of(streams_.begin(), streams_.end(), [&](const Stream& each) {
    return (stream >= 0 && each.number != stream) || each.underway.empty();
  });
}

void Traffic::remove(int stream) {
  const auto it_is = [&](const Stream& each) { return each.number == stream; };
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(streams_.begin(), streams_.end(), it_is);
    if (found == streams_.end()) return;
    found->ended = true;
  }
  lab::wait_until([&] { return nothing_under_way(stream); }, 2 * kLongest);
  const std::lock_guard lock(mutex_);
  streams_.remove_if(it_is);
}

void Traffic::answers(const Place& pod) {
  FileDescriptor socket = bound_socket(pod.pod, kAnswers);
  const std::lock_guard lock(mutex_);
  answering_.push_back(std::move(socket));
}

bool Traffic::goes_on(const std::string& node, lab::Seconds limit) {
  constexpr uint64_t kEnough = 5;
  std::map<int, uint64_t> wanted;
  {
    const std::lock_guard lock(mutex_);
    for (const Stream& stream : streams_) {
      if (!node.empty() && stream.from.node != node && stream.to.node != node) continue;
      if (!stream.ended) wanted[stream.number] = stream.next + kEnough;
    }
  }
  return lab::wait_until(
      [&] {
        const std::lock_guard lock(mutex_);
        return std::all_of(streams_.begin(), streams_.end(), [&](const Stream& stream) {
          const auto found = wanted.find(stream.number);
          return found == wanted.end() || stream.newest >= found->second;
        });
      },
      limit);
}

// Streams keep sending meanwhile, so that every number in flight is judged.
void Traffic::settle() {
  const auto then = Clock::now();
  lab::wait_until(
      [&] {
        const std::lock_guard lock(mutex_);
        return std::all_of(streams_.begin(), streams_.end(), [&](const Stream& stream) {
          return stream.underway.empty() || stream.underway.begin()->second > then;
        });
      },
      2 * kLongest);
}

void Traffic::run() {
  auto beat = Clock::now();
  while (!ended_) {
    if (Clock::now() >= beat) {
      const std::lock_guard lock(mutex_);
      send_all();
      beat = Clock::now() + kBeat;
    }
    wait(beat - Clock::now());
    const std::lock_guard lock(mutex_);
    for (Stream& stream : streams_) receive(stream);
    for (Stream& stream : streams_) give_up(stream);
    for (const FileDescriptor& socket : answering_) answer(socket);
  }
}

void Traffic::wait(lab::Seconds limit) {
  std::vector<pollfd> readable;
  {
    const std::lock_guard lock(mutex_);
    for (const Stream& stream : streams_) readable.push_back({stream.receiver.get(), POLLIN, 0});
    for (const FileDescriptor& each : answering_) readable.push_back({each.get(), POLLIN, 0});
  }
  poll(readable.data(), readable.size(), std::max(1, static_cast<int>(limit.count() * 1000)));
}

// A datagram that the pod's own kernel refuses counts as lost too.
void Traffic::send_all() {
  for (Stream& stream : streams_) {
    if (stream.ended) continue;
    const auto bytes = bytes_of(stream.number, stream.next);
    stream.underway[stream.next++] = Clock::now();
    send(stream.sender.get(), bytes.data(), bytes.size(), 0);
    ++sent_;
  }
}

void Traffic::receive(Stream& stream) {
  std::array<char, 2048> bytes{};
  Datagram datagram;
  while (recv(stream.receiver.get(), bytes.data(), bytes.size(), 0) >=
         static_cast<ssize_t>(sizeof datagram)) {
    std::memcpy(&datagram, bytes.data(), sizeof datagram);
    if (datagram.stream != stream.number || stream.underway.erase(datagram.number) == 0) {
      ledger_.found(stream.name() + ": number " + std::to_string(datagram.number) +
                    " arrived twice, or long after it was given up");
    }
    stream.newest = std::max(stream.newest, datagram.number);
  }
}

void Traffic::give_up(Stream& stream) {
  const auto now = Clock::now();
  while (!stream.underway.empty()) {
    const auto [number, sent] = *stream.underway.begin();
    const lab::Seconds allowed = number < stream.newest ? kOvertaken : kLongest;
    if (now - sent < lab::patience(allowed)) return;
    stream.underway.erase(number);
    ++lost_;
    if (ledger_.explanation(stream.from.node, stream.to.node, sent)) continue;
    char when[32];
    std::snprintf(when, sizeof when, "%.2f s", ledger_.seconds(sent));
    ledger_.found(stream.name() + ": number " + std::to_string(number) + ", sent at " + when +
                  ", never arrived, and nothing that was done then explains it");
  }
}

void Traffic::answer(const FileDescriptor& socket) const {
  std::array<char, 256> bytes{};
  sockaddr_in from{};
  socklen_t size = sizeof from;
  auto* peer = reinterpret_cast<sockaddr*>(&from);
  for (ssize_t n = 0;
       (n = recvfrom(socket.get(), bytes.data(), bytes.size(), 0, peer, &size)) > 0;) {
    sendto(socket.get(), bytes.data(), static_cast<size_t>(n), 0, peer, size);
  }
}

bool asks(const std::string& pod, const std::string& address) {
  const FileDescriptor socket = lab::udp_socket_in(pod);
  const sockaddr_in there = lab::udp_address(address, kAnswers);
  if (connect(socket.get(), generic(there), sizeof there) != 0) return false;
  if (send(socket.get(), kCleartextMark.data(), kCleartextMark.size(), 0) < 0) return false;
  pollfd readable{.fd = socket.get(), .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&readable, 1, static_cast<int>(lab::patience(5s).count() * 1000)) > 0 &&
         recv(socket.get(), &byte, 1, 0) == 1;
}

}  // namespace pellicle::soak
