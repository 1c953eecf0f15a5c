// What the real XFRM counts, and that each counter is read from the right field. Packets pass a
// pair of states on the loopback device; replayed and forged packets must not pass.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/xfrm_errors.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using seed::cidr;
using seed::ip;

namespace {

constexpr const char* kFrom = "10.0.1.138";
constexpr const char* kTo = "10.0.0.40";
constexpr uint32_t kSpi = 3;

State state_with(const char* src, Mark output_mark, bool esn, uint32_t window) {
  return {.src = ip(src),
          .reqid = kReqId,
          .output_mark = output_mark,
          .algorithm = seed::gcm(),
          .replay_window = window,
          .esn = esn};
}

// Sender and receiver in one namespace: marked packets go through ESP and the loopback device.
// Netfilter sets the mark that the uplink program sets on a node.
class Loop {
 public:
  Loop(bool esn, uint32_t window) : kernel_(site_.start_agent()) {
    shell(std::string("ip link set lo up && ip addr add ") + kFrom + "/32 dev lo && ip addr add " +
          kTo +
          "/32 dev lo && sysctl -qw net.ipv4.conf.lo.disable_xfrm=0 "
          "net.ipv4.conf.lo.disable_policy=0 net.ipv4.conf.lo.accept_local=1 && "
          "iptables-legacy -t mangle -A PREROUTING -p esp -j MARK --set-mark 0xd00");
    KernelState desired;
    desired.states[{ip(kTo), kSpi, encrypt_mark(3)}] =
        state_with(kFrom, kEncryptMark, esn, esn ? window : 0);
    desired.states[{ip(kTo), kSpi, kDecryptMark}] =
        state_with("0.0.0.0", kDecryptMark, esn, window);
    desired.policies[{Direction::out, cidr("10.0.1.138/32"), cidr("10.0.0.40/32"),
                      encrypt_mark(3)}] = {
        .tmpl = Policy::Template{.src = ip(kFrom), .dst = ip(kTo), .spi = kSpi, .reqid = kReqId}};
    desired.policies[{Direction::in, cidr("0.0.0.0/0"), cidr("10.0.0.40/32"), kDecryptMark}] = {
        .tmpl = Policy::Template{.src = ip("0.0.0.0"), .dst = ip(kTo), .reqid = kReqId}};
    require_pass(*kernel_, desired);
  }

  static void ping(int count) {
    shell("ping -q -i 0.002 -W 2 -m " + std::to_string(encrypt_mark(3).value) + " -I " + kFrom +
          " -c " + std::to_string(count) + " " + kTo);
  }

  // A raw ESP packet, as an attacker replays or forges it.
  static void forge(uint32_t sequence) {
    const FileDescriptor socket(::socket(AF_INET, SOCK_RAW, IPPROTO_ESP));
    REQUIRE(socket);
    std::array<uint8_t, 104> packet{};
    const std::array<uint32_t, 2> header{htonl(kSpi), htonl(sequence)};
    std::memcpy(packet.data(), header.data(), sizeof header);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, kTo, &to.sin_addr) == 1);
    REQUIRE(sendto(socket.get(), packet.data(), packet.size(), 0,
                   reinterpret_cast<const sockaddr*>(&to),
                   sizeof to) == static_cast<ssize_t>(packet.size()));
  }

  StateCounters counters(const Mark& mark) {
    for (const auto& state : kernel_->observe_states()) {
      if (state.key.mark == mark) return state.counters;
    }
    FAIL("there is no state with mark " << mark.to_string());
    return {};
  }
  StateCounters sending() { return counters(encrypt_mark(3)); }
  StateCounters receiving() { return counters(kDecryptMark); }
  // The receiving state's counters, once it has rejected `count` packets: the softirq may run late.
  StateCounters after_failures(uint64_t count) {
    const auto failures = [](const StateCounters& of) {
      return of.replayed + of.outside_window + of.integrity_failed;
    };
    auto now = receiving();
    for (int tries = 0; tries < 200 && failures(now) < count; ++tries) {
      shell("sleep 0.02");
      now = receiving();
    }
    return now;
  }
  LinuxKernel& kernel() { return *kernel_; }
  const LinuxSite& site() const { return site_; }

 private:
  LinuxSite site_;
  std::shared_ptr<LinuxKernel> kernel_;
};

}  // namespace

TEST_CASE("counters: sequence, packets, bytes and times of both directions") {
  Loop loop(false, 32);
  CHECK(loop.sending().sent == 0);
  CHECK(loop.sending().first_used == 0);
  Loop::ping(5);
  const auto out = loop.sending();
  CHECK(out.sent == 5);
  CHECK(out.packets == 5);
  CHECK(out.bytes >= 5 * 84);
  CHECK(out.added > 1'600'000'000);
  CHECK(out.first_used >= out.added);
  const auto in = loop.receiving();
  CHECK(in.received == 5);
  CHECK(in.packets == 5);
  CHECK(in.replayed + in.outside_window + in.integrity_failed == 0);
  shell("sleep 2.1");
  Loop::ping(1);
  // Depends on the kernel's version: either the first use is kept or the last use is reported.
  const auto later = loop.sending();
  CHECK((later.last_used >= out.first_used + 2 || later.first_used == out.first_used));
}

TEST_CASE("counters: without a replay window the kernel keeps no received number") {
  Loop loop(false, 0);
  Loop::ping(3);
  CHECK(loop.receiving().received == 0);
  CHECK(loop.receiving().packets == 3);
}

TEST_CASE("counters: what is replayed, too old or forged is told apart") {
  for (const bool esn : {false, true}) {
    CAPTURE(esn);
    Loop loop(esn, 32);
    Loop::ping(40);
    Loop::forge(40);
    Loop::forge(39);
    Loop::forge(1);
    Loop::forge(41);
    Loop::forge(42);
    Loop::forge(43);
    const auto in = loop.after_failures(6);
    CHECK(in.received == 40);
    CHECK(in.packets == 40);
    CHECK(in.replayed == 2);
    // With ESN the kernel takes an old number for one after the next wrap, so the ICV fails.
    CHECK(in.outside_window == (esn ? 0 : 1));
    CHECK(in.integrity_failed == (esn ? 4 : 3));
    CHECK(loop.sending().integrity_failed == 0);
    const auto errors = xfrm_errors();
    CHECK(errors.at("XfrmInStateSeqError") == (esn ? 2 : 3));
    CHECK(errors.at("XfrmInStateProtoError") == (esn ? 4 : 3));
    CHECK(errors.at("XfrmOutNoStates") == 0);
  }
}

TEST_CASE("counters: ESN beyond 32 bits, both directions, and the end of the space") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  shell(
      "ip xfrm state add src 10.0.1.138 dst 10.0.0.40 proto esp spi 0x10a0283 reqid 1 mode tunnel "
      "mark 0x3e00 mask 0xff00 output-mark 0xe00 mask 0xf00 flag esn replay-window 1024 "
      "replay-oseq 7 replay-oseq-hi 2 replay-seq 9 replay-seq-hi 3 "
      "aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128");
  const auto states = kernel->observe_states();
  REQUIRE(states.size() == 1);
  CHECK(states[0].key.spi == 0x10a0283);
  CHECK(states[0].counters.sent == (2ULL << 32) + 7);
  CHECK(states[0].counters.received == (3ULL << 32) + 9);
  CHECK(states[0].last_sequence() == UINT64_MAX);
}

TEST_CASE("counters: a foreign state is not shown, and no state is no error") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  CHECK(kernel->observe_states().empty());
  shell(
      "ip xfrm state add src 10.9.0.1 dst 10.9.0.2 proto esp spi 0x77 reqid 77 mode tunnel "
      "aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128");
  CHECK(kernel->observe_states().empty());
}

}  // namespace this_file
