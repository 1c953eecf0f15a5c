// Settings of the kernel that others change under a running agent.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kLocal = "10.0.1.52";
constexpr const char* kRemote = "10.0.0.249";

void add_pods(Lab& lab) {
  lab.start_agents();
  lab.add_pod("worker", "net", kLocal);
  lab.add_pod("worker2", "cni-fcnh6", kRemote);
  REQUIRE(wait_until([&] { return lab.ping("net", kRemote).ok(); }, 30s));
  REQUIRE(lab.ping("cni-fcnh6", kLocal).ok());
}

}  // namespace

TEST_CASE("the kernel may be told to look up a packet's source with its mark") {
  Lab lab;
  add_pods(lab);
  must_in("worker", "sysctl -qw net.ipv4.conf.all.src_valid_mark=1");
  CHECK(lab.ping("net", kRemote, 3).ok());
  CHECK(lab.ping("cni-fcnh6", kLocal, 3).ok());
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.cleartext().empty());
}
