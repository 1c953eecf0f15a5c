// The source addresses allowed to a pod, and the device on which a program checks them.
#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

using seed::ip;

namespace {

constexpr const char* kDevice = "lxc0123456789ab";  // of default/net

Inputs shaped() {
  auto inputs = seed::worker();
  inputs.endpoints[0].egress_shaped = true;
  return inputs;
}

bool has_program(const Desired& desired, const std::string& device, bool ingress) {
  const auto found = desired.state.attachments.find({device, ingress});
  return found != desired.state.attachments.end() && found->second.program == "pell_lxc_in";
}

// Both pods' own link-local addresses, and `more`.
Table<PodSource> link_local_and(Table<PodSource> more = {}) {
  more[{kDevice, Cidr::host(ip("fe80::ff:fe00:101"))}] = {};
  more[{"lxcba9876543210", Cidr::host(ip("fe80::ff:fe00:201"))}] = {};
  return more;
}

}  // namespace

TEST_CASE("a pod may send from the link-local address that its MAC makes, with IPv6 or without") {
  auto inputs = seed::worker();
  CHECK(compute(inputs).state.sources == link_local_and());
  inputs.endpoints[0].addresses.push_back(ip("fd00:10:1::34"));
  CHECK(compute(inputs).state.sources == link_local_and());
}

TEST_CASE("what a pod asks to send from is granted inside of what is allowed, the rest is said") {
  auto inputs = seed::worker();
  inputs.endpoints[0].wanted_sources = {seed::cidr("10.9.0.0/16"), seed::cidr("10.8.0.7/32")};
  CHECK(compute(inputs).state.sources == link_local_and());
  CHECK(compute(inputs).problems.size() == 2);
  inputs.settings.allowed_addresses = {seed::cidr("10.8.0.0/16"), seed::cidr("10.9.0.0/24")};
  const auto desired = compute(inputs);
  CHECK(desired.state.sources == link_local_and({{{kDevice, seed::cidr("10.8.0.7/32")}, {}}}));
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].to_string() ==
        "Pod default/net metadata.annotations[pellicle.io/allowed-addresses]: 10.9.0.0/16 is not "
        "allowed, so what the pod sends from there is dropped; expected a network inside the "
        "setting allowed-addresses");
}

TEST_CASE("a pod that is shaped has its program on the device that shapes it") {
  auto inputs = shaped();
  auto desired = compute(inputs);
  CHECK_FALSE(has_program(desired, kDevice, true));
  CHECK(desired.problems.empty());  // the shaper does not exist yet

  inputs.host.shapers = {{kDevice, "bwp0123456789"}};
  desired = compute(inputs);
  CHECK(has_program(desired, "bwp0123456789", false));
  CHECK_FALSE(has_program(desired, kDevice, true));
  CHECK(desired.problems.empty());

  inputs.endpoints[0].egress_shaped = false;  // foreign qdisc: the kernel refuses our program
  CHECK(has_program(compute(inputs), kDevice, true));
}

TEST_CASE(
    "a shaper that redirects to no device is a problem: nothing looks at what the pod sends") {
  auto inputs = shaped();
  inputs.host.shapers = {{kDevice, ""}};
  const auto desired = compute(inputs);
  REQUIRE(desired.problems.size() == 1);
  CHECK(desired.problems[0].to_string() ==
        "Pod default/net: what it sends is shaped on lxc0123456789ab without a device of its own, "
        "so whether it sends from its own addresses is not checked; expected a shaper that "
        "redirects to one, as CNI's bandwidth does");
}

}  // namespace pellicle::this_file
