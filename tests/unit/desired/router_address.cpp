#include "agent/desired/router_address.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

std::vector<Endpoint> pods(std::initializer_list<const char*> addresses) {
  std::vector<Endpoint> pods;
  for (const auto* address : addresses) pods.push_back({.addresses = {ip(address)}});
  return pods;
}

}  // namespace

TEST_CASE("the router address is the device's, else the published one, else the first free one") {
  const auto pool = cidr("10.0.1.0/24");
  CHECK(router_address(pool, ip("10.0.1.9"), ip("10.0.1.8"), {}) == ip("10.0.1.9"));
  CHECK(router_address(pool, std::nullopt, ip("10.0.1.8"), {}) == ip("10.0.1.8"));
  CHECK(router_address(pool, std::nullopt, std::nullopt, {}) == ip("10.0.1.1"));
  CHECK(router_address(pool, {}, {}, pods({"10.0.1.1", "10.0.1.2"})) == ip("10.0.1.3"));
}

TEST_CASE("an address outside the PodCIDR, at its ends or of a pod is no router address") {
  const auto pool = cidr("10.0.1.0/24");
  for (const auto* unfit : {"10.0.2.9", "10.0.1.0", "10.0.1.255", "10.0.1.77"}) {
    INFO(unfit);
    CHECK(router_address(pool, ip(unfit), {}, pods({"10.0.1.77"})) == ip("10.0.1.1"));
    CHECK(router_address(pool, {}, ip(unfit), pods({"10.0.1.77"})) == ip("10.0.1.1"));
    CHECK(router_address(pool, ip(unfit), ip("10.0.1.5"), pods({"10.0.1.77"})) == ip("10.0.1.5"));
  }
}

TEST_CASE("a full or tiny PodCIDR has no router address") {
  CHECK(router_address(cidr("10.0.1.0/30"), {}, {}, pods({"10.0.1.1"})) == ip("10.0.1.2"));
  CHECK_FALSE(router_address(cidr("10.0.1.0/30"), {}, {}, pods({"10.0.1.1", "10.0.1.2"})));
  CHECK_FALSE(router_address(cidr("10.0.1.0/31"), {}, {}, {}));
  CHECK_FALSE(router_address(cidr("10.0.1.0/32"), ip("10.0.1.0"), {}, {}));
  CHECK(router_address(cidr("fd00::/64"), {}, {}, {}) == ip("fd00::1"));
  CHECK(router_address(cidr("0.0.0.0/0"), {}, {}, {}) == ip("0.0.0.1"));
}

}  // namespace pellicle::this_file
