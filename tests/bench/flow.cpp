#include "tests/bench/flow.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace pellicle::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.1;            // of one measurement
constexpr size_t kDatagram = 64;            // bytes
constexpr unsigned kAtOnce = 64;            // datagrams a system call
constexpr size_t kChunk = size_t{1} << 17;  // bytes a write

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

int checked(int result, const std::string& what) {
  if (result < 0) throw std::runtime_error(what + ": " + strerror(errno));
  return result;
}

// The descriptor that `make` opens in `netns`. A socket stays in the namespace it was made in.
FileDescriptor opened_in(const std::string& netns, const std::function<int()>& make) {
  FileDescriptor made;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      const FileDescriptor there(open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
      checked(setns(there.get(), CLONE_NEWNET), "enter " + netns);
      made = FileDescriptor(checked(make(), "open a socket in " + netns));
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return made;
}

FileDescriptor socket_in(const std::string& netns, int type) {
  return opened_in(netns, [type] { return socket(AF_INET, type | SOCK_CLOEXEC, 0); });
}

// Binds to any address and a free port; returns the port.
in_port_t bind_any(const FileDescriptor& socket) {
  sockaddr_in any{.sin_family = AF_INET};
  socklen_t size = sizeof any;
  auto* address = reinterpret_cast<sockaddr*>(&any);
  checked(bind(socket.get(), address, size), "bind");
  checked(getsockname(socket.get(), address, &size), "getsockname");
  return any.sin_port;
}

void connect_to(const FileDescriptor& socket, const std::string& address, in_port_t port) {
  sockaddr_in to{.sin_family = AF_INET, .sin_port = port};
  checked(inet_pton(AF_INET, address.c_str(), &to.sin_addr) - 1, address);
  checked(connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to),
          "connect to " + address);
}

}  // namespace

Flow::Flow(const std::string& from, const std::string& to, const std::string& address)
    : connection_(socket_in(from, SOCK_STREAM)),
      far_datagrams_(socket_in(to, SOCK_DGRAM)),
      datagrams_(socket_in(from, SOCK_DGRAM)),
      counters_(
          opened_in(to, [] { return open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC); })) {
  const auto listener = socket_in(to, SOCK_STREAM);
  const auto port = bind_any(listener);
  checked(listen(listener.get(), 1), "listen");
  connect_to(connection_, address, port);
  far_end_ =
      FileDescriptor(checked(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
  connect_to(datagrams_, address, bind_any(far_datagrams_));
  reader_ = std::thread([this] { read_all(); });
}

Flow::~Flow() {
  shutdown(connection_.get(), SHUT_RDWR);
  shutdown(far_end_.get(), SHUT_RDWR);
  reader_.join();
}

void Flow::read_all() {
  std::vector<char> bytes(kChunk);
  for (ssize_t size; (size = read(far_end_.get(), bytes.data(), bytes.size())) > 0;) {
    read_ += static_cast<size_t>(size);
  }
}

double Flow::tcp() {
  static const std::vector<char> bytes(kChunk, 'x');
  const auto begin = Clock::now();
  const size_t before = written_;
  while (since(begin) < kSeconds) {
    written_ += static_cast<size_t>(
        checked(static_cast<int>(write(connection_.get(), bytes.data(), kChunk)), "write"));
  }
  while (read_ < written_) sched_yield();
  return static_cast<double>(written_ - before) / since(begin);
}

// Many datagrams a system call: a system call is expensive in User-Mode Linux, and is not part of a
// packet's cost.
double Flow::datagrams() {
  std::array<char, kDatagram> bytes{};
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  std::array<mmsghdr, kAtOnce> messages{};
  for (auto& message : messages) message.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1};
  const double before = packets_received();
  const auto begin = Clock::now();
  while (since(begin) < kSeconds) {
    checked(sendmmsg(datagrams_.get(), messages.data(), kAtOnce, 0), "send");
  }
  const double taken = since(begin);
  return (packets_received() - before) / taken;
}

unsigned Flow::segment() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  getsockopt(connection_.get(), IPPROTO_TCP, TCP_INFO, &info, &length);
  return info.tcpi_snd_mss;
}

double Flow::packets_received() const {
  std::array<char, 4096> text{};
  checked(static_cast<int>(pread(counters_.get(), text.data(), text.size() - 1, 0)), "read");
  std::string lines = text.data();
  std::istringstream line(lines.substr(lines.find("eth0:") + 5));
  double bytes = 0;
  double packets = 0;
  line >> bytes >> packets;
  return packets;
}

}  // namespace pellicle::bench
