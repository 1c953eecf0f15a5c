#include "agent/desired/claims.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

using seed::cidr;
using seed::ip;

TEST_CASE("a PodCIDR is believed unless it overlaps one, or holds an address, that is") {
  Claims claims;
  CHECK(claims.claim_address(ip("10.5.0.9"), "a").empty());
  CHECK(claims.claim_cidr(cidr("10.0.0.0/16"), "a").empty());
  CHECK(claims.claim_cidr(cidr("10.2.0.0/16"), "b").empty());
  CHECK(claims.claim_cidr(cidr("10.1.0.0/16"), "c").empty());
  CHECK(claims.claim_cidr(cidr("10.1.0.0/16"), "d") == "PodCIDR 10.1.0.0/16 of Node c");
  CHECK(claims.claim_cidr(cidr("10.2.0.0/24"), "d") == "PodCIDR 10.2.0.0/16 of Node b");
  CHECK(claims.claim_cidr(cidr("10.2.255.0/24"), "d") == "PodCIDR 10.2.0.0/16 of Node b");
  CHECK(claims.claim_cidr(cidr("10.0.0.0/8"), "d") == "PodCIDR 10.0.0.0/16 of Node a");
  CHECK(claims.claim_cidr(cidr("0.0.0.0/0"), "d") == "PodCIDR 10.0.0.0/16 of Node a");
  CHECK(claims.claim_cidr(cidr("10.5.0.0/24"), "d") == "InternalIP 10.5.0.9 of Node a");
  CHECK(claims.claim_cidr(cidr("10.5.1.0/24"), "d").empty());
  CHECK(claims.claim_cidr(cidr("10.3.0.0/16"), "e").empty());
}

TEST_CASE("an address is believed unless it is taken or lies in a PodCIDR that is believed") {
  Claims claims;
  CHECK(claims.claim_cidr(cidr("10.0.0.0/16"), "a").empty());
  CHECK(claims.claim_address(ip("172.18.0.3"), "a").empty());
  CHECK(claims.claim_address(ip("172.18.0.3"), "b") == "InternalIP 172.18.0.3 of Node a");
  CHECK(claims.claim_address(ip("10.0.255.255"), "b") == "PodCIDR 10.0.0.0/16 of Node a");
  CHECK(claims.claim_address(ip("10.1.0.0"), "b").empty());
  CHECK(claims.claim_address(ip("9.255.255.255"), "c").empty());
}

TEST_CASE("a network is covered when one believed PodCIDR holds all of it") {
  Claims claims;
  claims.claim_cidr(cidr("10.0.0.0/16"), "a");
  CHECK(claims.covers(cidr("10.0.0.0/16")));
  CHECK(claims.covers(cidr("10.0.7.0/24")));
  CHECK_FALSE(claims.covers(cidr("10.0.0.0/15")));
  CHECK_FALSE(claims.covers(cidr("10.1.0.0/16")));
}

}  // namespace pellicle::this_file
