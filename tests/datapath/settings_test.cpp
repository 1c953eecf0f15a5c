// Kernel settings that other programs change under a running agent.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

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

// Passes are made only on a trigger.
LabOptions without_resync() {
  return {.agent_config = "resync-seconds = 3600\n"};
}

std::string setting(const std::string& path) {
  return must_in("worker", "cat /proc/sys/net/" + path);
}

void write_setting(const std::string& path, const std::string& value) {
  must_in("worker", "echo " + value + " > /proc/sys/net/" + path);
}

// No pass has anything left to do, and none is due.
void settle(Lab& lab) {
  REQUIRE(wait_until([&] { return lab.agent("worker").ask("diff")["operations"].empty(); }, 30s));
  sh("sleep 2");
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

TEST_CASE("settings that others overwrite are put right at once where the kernel announces it") {
  Lab lab(without_resync());
  add_pods(lab);
  settle(lab);
  const auto undone = [&](const std::string& command) {
    CAPTURE(command);
    must_in("worker", command);
    const bool whole = wait_until([&] { return lab.ping("net", kRemote).ok(); }, 3s);
    CHECK(whole);
    CHECK(lab.ping("cni-fcnh6", kLocal).ok());
    CHECK(lab.agent("worker").ask("diff")["operations"].empty());
  };
  // As systemd-sysctl does with its own 50-default.conf.
  undone("for each in /proc/sys/net/ipv4/conf/*; do echo 2 > $each/rp_filter; done");
  // Like a hardened node. Writing the same value again changes nothing.
  undone("echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/ip_forward");
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("settings whose change the kernel does not announce are put right within 10 s") {
  Lab lab(without_resync());
  add_pods(lab);
  settle(lab);
  write_setting("ipv4/conf/cilium_net/accept_local", "0");
  write_setting("ipv4/conf/eth0/disable_xfrm", "1");
  CHECK(wait_until([&] { return setting("ipv4/conf/cilium_net/accept_local") == "1\n"; }, 10s));
  CHECK(wait_until([&] { return setting("ipv4/conf/eth0/disable_xfrm") == "0\n"; }, 1s));
  CHECK(wait_until([&] { return lab.ping("net", kRemote).ok(); }));

  // This setting disables all policies at once.
  write_setting("ipv4/conf/all/disable_xfrm", "1");
  CHECK(wait_until([&] { return setting("ipv4/conf/all/disable_xfrm") == "0\n"; }, 10s));
  CHECK(wait_until([&] { return lab.ping("net", kRemote).ok(); }));
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
