// What a CPU found for a source holds for one turn of the agent's writes, and for no longer.
#include <random>

#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

bool leaves_the_pod(const Programs& programs, const std::string& source, const std::string& to) {
  return programs.run("pell_lxc_in", frame({.src = source, .dst = to})).verdict == TC_ACT_OK;
}

bool arrives(const Programs& programs, const std::string& source, const std::string& pod) {
  return programs.run("pell_uplink_in", frame({.src = source, .dst = pod})).verdict ==
         TC_ACT_UNSPEC;
}

struct Addresses {
  std::string pod, peer, peer_network, router;
  uint32_t prefix_length;
};

Addresses addresses() {
  return GENERATE(Addresses{"10.0.1.52", "10.0.0.249", "10.0.0.0", "10.0.0.40", 24},
                  Addresses{"fd00:10:1::34", "fd00:10::f9", "fd00:10::", "fd00:10::28", 64});
}

}  // namespace

TEST_CASE("seen: a pod's address holds until the turn ends") {
  Programs programs = configured();
  const auto at = addresses();
  CHECK(leaves_the_pod(programs, at.pod, at.peer));
  programs.remove_endpoint(at.pod);
  CHECK(leaves_the_pod(programs, at.pod, at.peer));  // so it was not looked up again
  programs.end_turn();
  CHECK_FALSE(leaves_the_pod(programs, at.pod, at.peer));
  programs.set_endpoint(at.pod, {.ifindex = 1});
  CHECK(leaves_the_pod(programs, at.pod, at.peer));
}

TEST_CASE("seen: an address that is no pod's is looked up each time") {
  Programs programs = configured();
  CHECK_FALSE(leaves_the_pod(programs, "10.0.1.77", "10.0.0.249"));
  CHECK(programs.drops().at(DROP_FORGED).packets == 1);
  CHECK_FALSE(leaves_the_pod(programs, "10.0.1.77", "10.0.0.249"));
  CHECK(programs.drops().at(DROP_FORGED).packets == 2);
}

TEST_CASE("seen: the owner of an address holds until the turn ends, and so does that it has none") {
  Programs programs = configured();
  const auto at = addresses();
  CHECK(arrives(programs, at.peer, at.pod));
  programs.set_owner(at.peer_network, at.prefix_length, at.router, CLEAR_IS_DROPPED);
  CHECK_FALSE(arrives(programs, at.peer, at.pod));
  programs.remove_owner(at.peer_network, at.prefix_length);
  CHECK_FALSE(arrives(programs, at.peer, at.pod));  // so it was not looked up again
  programs.end_turn();
  CHECK(arrives(programs, at.peer, at.pod));
}

TEST_CASE("seen: an IPv4 address is not taken for the IPv6 address that begins with its bytes") {
  Programs programs = configured();
  programs.set_owner("10.0.0.0", 24, "10.0.0.40", CLEAR_IS_DROPPED);
  CHECK_FALSE(arrives(programs, "10.0.0.249", "10.0.1.52"));
  CHECK(arrives(programs, "a00:f9::", "fd00:10:1::34"));
  CHECK_FALSE(arrives(programs, "10.0.0.249", "10.0.1.52"));
}

TEST_CASE("seen: sources that share a slot are each judged by their own owner") {
  Programs programs = configured();
  for (int node = 0; node < 250; node += 2)
    programs.set_owner("10.9." + std::to_string(node) + ".0", 24, "10.0.0.40", CLEAR_IS_DROPPED);
  std::mt19937 random(Catch::rngSeed());
  for (int packet = 0; packet < 3000; ++packet) {
    const auto node = random() % 250;
    const std::string source =
        "10.9." + std::to_string(node) + "." + std::to_string(random() % 250);
    CAPTURE(source);
    REQUIRE(arrives(programs, source, "10.0.1.52") == (node % 2 == 1));
  }
}

}  // namespace this_file
