// What only the real XFRM can show: counters, algorithms, conflicting foreign states, scale.
#include <linux/netlink.h>

#include <chrono>
#include <iostream>
#include <optional>

#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::cidr;
using seed::ip;

namespace {

const State::Key kKey{ip("10.0.0.40"), 3, encrypt_mark(3)};

State sending(Algorithm algorithm = seed::gcm()) {
  return {.src = ip("10.0.1.138"),
          .reqid = kReqId,
          .output_mark = kEncryptMark,
          .algorithm = std::move(algorithm)};
}

void plant_sent(const State::Key& key, const State& value, uint64_t sent) {
  NetlinkSocket socket(NETLINK_XFRM);
  REQUIRE(socket.request(encode_new_state(key, value, sent)).ok());
}

std::vector<XfrmState> states() {
  return NetlinkSocket(NETLINK_XFRM).dump(state_dump(), decode_state);
}

AuthEnc cbc(uint32_t truncation) {
  return {"hmac(sha256)", SecretBytes(std::vector<uint8_t>(32, 7)), "cbc(aes)",
          SecretBytes(std::vector<uint8_t>(16, 9)), truncation};
}

// The kernel removes the namespaces of earlier cases, which use the module, in the background.
template <class Job>
void without_module(const std::string& name, const Job& job) {
  shell("modprobe " + name +
        " && sysctl -qw kernel.modprobe=/nonexistent; for i in $(seq 100); do rmmod " + name +
        " && exit 0; sleep 0.1; done; exit 1");
  job();
  shell("sysctl -qw kernel.modprobe=/sbin/modprobe && modprobe " + name);
}

}  // namespace

TEST_CASE("replacing a state carries its send counter on") {
  const LinuxSite site;
  plant_sent(kKey, sending(), 123456);
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.states[kKey] = sending();
  desired.states[kKey].src = ip("10.0.1.139");
  const auto pass = reconcile(*kernel, desired);
  REQUIRE(pass.plan.size() == 1);
  REQUIRE(action(pass.plan[0]) == Action::replace);
  require_quiet(*kernel, desired);
  REQUIRE(states().size() == 1);
  CHECK(states()[0].sent >= 123456);
  CHECK(states()[0].sent < 200000);
}

TEST_CASE("a state that somebody deleted comes back beyond the counter last seen") {
  const LinuxSite site;
  plant_sent(kKey, sending(), 123456);
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.states[kKey] = sending();
  require_quiet(*kernel, desired);
  shell("ip xfrm state flush");
  require_pass(*kernel, desired);
  REQUIRE(states().size() == 1);
  CHECK(states()[0].sent > 123456);
}

TEST_CASE("authentication with encryption lands and is quiet, with and without truncation") {
  for (const uint32_t truncation : {0U, 128U}) {
    const LinuxSite site;
    const auto kernel = site.start_agent();
    KernelState desired;
    desired.states[kKey] = sending(cbc(truncation));
    require_pass(*kernel, desired);
    require_quiet(*kernel, desired);
    const auto* bits = truncation ? " 128" : " 96";
    CHECK_THAT(shell("ip xfrm state"), Contains("auth-trunc hmac(sha256)") && Contains(bits));
  }
}

TEST_CASE("ESN with a wide window lands, is quiet and carries a 64-bit counter on") {
  const LinuxSite site;
  auto value = sending();
  value.esn = true;
  value.replay_window = 1024;
  plant_sent(kKey, value, 5ULL << 32);
  const auto kernel = site.start_agent();
  KernelState desired;
  value.src = ip("10.0.1.139");
  desired.states[kKey] = value;
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
  CHECK(states().at(0).sent >= 5ULL << 32);
}

TEST_CASE("a foreign state that the kernel would take for ours is not deleted") {
  const LinuxSite site;
  plant_sent(kKey, sending(), 0);
  // Any mark, same destination and SPI, added later: the kernel finds this state first.
  auto foreign = sending();
  foreign.reqid = 9;
  foreign.output_mark = {};
  plant_sent({kKey.dst, kKey.spi, {}}, foreign, 0);
  const auto kernel = site.start_agent();
  const auto refusals = kernel->apply(plan({}, kernel->dump()));
  bool survived = false;
  for (const auto& state : states()) survived = survived || state.value.reqid == 9;
  REQUIRE(survived);
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].error == EBUSY);
}

TEST_CASE("a kernel without esp4 is one sentence that names algorithm and module") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.states[kKey] = sending();
  std::optional<Pass> pass;
  without_module("esp4", [&] { pass = reconcile(*kernel, desired); });
  REQUIRE(pass->refusals.size() == 1);
  CHECK_THAT(pass->refusals[0].sentence,
             Contains("the kernel cannot do ESP over IPv4: the module esp4"));
  require_pass(*kernel, desired);
}

TEST_CASE("a kernel without esp6 costs IPv6 alone, in one sentence") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.states[kKey] = sending();
  auto ipv6 = sending();
  ipv6.src = ip("fd00:10:1::8a");
  desired.states[{ip("fd00:10::28"), 3, encrypt_mark(3)}] = ipv6;
  std::optional<Pass> pass;
  without_module("esp6", [&] { pass = reconcile(*kernel, desired); });
  REQUIRE(pass->refusals.size() == 1);
  CHECK_THAT(pass->refusals[0].sentence,
             Contains("the kernel cannot do ESP over IPv6: the module esp6"));
  CHECK(kernel->dump().states.contains(kKey));
  require_pass(*kernel, desired);
}

TEST_CASE("a kernel without xfrm_user is one sentence, and nothing is changed") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  std::string said;
  without_module("xfrm_user", [&] {
    try {
      reconcile(*kernel, desired);
    } catch (const KernelError& error) {
      said = error.what();
    }
  });
  CHECK(said ==
        "read the kernel's state: open a netlink socket for IPsec (xfrm_user): Protocol not "
        "supported (is the module available?)");
  CHECK(shell_status("ip link show cilium_host") != 0);
  require_pass(*kernel, desired);
}

TEST_CASE("an algorithm the kernel has not heard of is named") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.states[kKey] =
      sending(Aead{"rfc4106(gcm(rot13))", SecretBytes(std::vector<uint8_t>(20)), 128});
  const auto pass = reconcile(*kernel, desired);
  REQUIRE(pass.refusals.size() == 1);
  CHECK_THAT(pass.refusals[0].sentence, Contains("rfc4106(gcm(rot13))"));
}

TEST_CASE("three thousand peers are programmed, found again and removed in seconds") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  for (uint32_t i = 0; i < 3000; ++i) {
    const auto network = IpAddress::v4((11U << 24) + (i << 8));
    Node node = inputs.nodes.at("worker2");
    node.name = "peer" + std::to_string(i);
    node.pod_cidrs = {Cidr(network, 24)};
    node.router_ipv4 = IpAddress::v4((11U << 24) + (i << 8) + 7);
    node.internal_ipv4 = IpAddress::v4(0xac120000 + 0x1000 + i);
    inputs.nodes[node.name] = node;
  }
  const auto desired = compute(inputs).state;
  REQUIRE(desired.states.size() == 3003);
  const auto timed = [](const char* what, auto job) {
    const auto start = std::chrono::steady_clock::now();
    job();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << what << ": " << took.count() << " s\n";
  };
  timed("program", [&] { require_pass(*kernel, desired); });
  timed("dump and compare", [&] { require_quiet(*kernel, desired); });
  timed("remove", [&] { require_pass(*kernel, {}); });
  require_quiet(*kernel, {});
}

}  // namespace this_file
