#include "tests/soak/tap.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tests/harness/lab/shell.h"
#include "tests/soak/traffic.h"

namespace pellicle::soak {

namespace {

constexpr int kRoom = 32 << 20;  // bytes of frames, for when the thread is not scheduled
constexpr uint8_t kEsp = 50;

}  // namespace

Tap::Tap(std::vector<lab::NodeAddresses> nodes, Ledger& ledger)
    : nodes_(std::move(nodes)),
      ledger_(ledger),
      socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
  if (!socket_ ||
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kRoom, sizeof kRoom) != 0) {
    throw lab::LabError(std::string("cannot listen on the cables: ") + std::strerror(errno));
  }
  thread_ = std::jthread([this] { listen(); });
}

Tap::~Tap() {
  ended_ = true;
}

void Tap::listen() {
  std::array<char, 2048> bytes{};
  while (!ended_) {
    pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&readable, 1, 500) > 0) {
      for (ssize_t n = 0;
           (n = recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;) {
        auto packet = lab::packet_of(std::string(bytes.data(), static_cast<size_t>(n)),
                                     static_cast<uint32_t>(n));
        if (packet) look_at(std::move(*packet));
      }
    }
    ask_for_losses();
  }
}

void Tap::look_at(lab::Packet packet) {
  if (packet.protocol == kEsp) ++esp_;
  const std::vector<lab::Packet> one{std::move(packet)};
  if (lab::packets_with(one, kCleartextMark).empty() &&
      lab::cleartext_between_pods(one, nodes_).empty()) {
    return;
  }
  ++cleartext_;
  ledger_.found("a pod's packet was on a cable in the clear: " + one.front().text());
}

// Each query resets the kernel's counters.
void Tap::ask_for_losses() {
  tpacket_stats counts{};
  socklen_t size = sizeof counts;
  if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &counts, &size) != 0) {
    ledger_.found(std::string("the tap cannot be asked for its losses: ") + std::strerror(errno));
  } else if (counts.tp_drops != 0) {
    ledger_.found("the tap missed " + std::to_string(counts.tp_drops) +
                  " frames: whether they were encrypted is not known");
  }
}

}  // namespace pellicle::soak
