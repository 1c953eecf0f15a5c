// Changes of the uplink under a running agent: one pass follows each, and cleanup still finds all
// of Pellicle's objects.
#include "tests/contract/linux_worker.h"
#include "tests/contract/linux_world.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;

namespace {

Desired desired_now(Kernel& kernel) {
  auto inputs = worker_inputs(kernel);
  inputs.settings.netfilter = false;
  return compute(inputs);
}

struct Upheaval {
  const char* command;
  const char* uplink;  // its name after the command
};

constexpr Upheaval kUpheavals[] = {
    {"ip link set eth0 down && ip link set eth0 up", "eth0"},
    {"ip link set eth0 mtu 1400", "eth0"},
    {"ip link set eth0 down && ip link set eth0 name wan0 && ip link set wan0 up", "wan0"},
    {"ip link add wan1 type dummy && ip link set wan1 up && ip addr del 172.18.0.3/16 dev wan0 && "
     "ip addr add 172.18.0.3/16 dev wan1",
     "wan1"},
    {"ip link del wan1 && ip addr add 172.18.0.3/16 dev wan0", "wan0"},
    {"ip link del wan0 && ip link add eth0 type dummy && ip link set eth0 up && "
     "ip addr add 172.18.0.3/16 dev eth0",
     "eth0"},
};

}  // namespace

TEST_CASE("uplink: down and up, renamed, another one, deleted and made anew, each in one pass") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, desired_now(*kernel).state);
  for (const auto& [command, uplink] : kUpheavals) {
    INFO(command);
    shell(command);
    const auto desired = desired_now(*kernel).state;
    REQUIRE(desired.datapath_config.at({}).uplink == uplink);
    REQUIRE_FALSE(plan(desired, kernel->dump()).empty());
    require_pass(*kernel, desired);
    require_quiet(*kernel, desired);
  }
  require_pass(*kernel, {});
  require_quiet(*kernel, {});
  CHECK(shell_status("ip link show cilium_host") != 0);
  CHECK(shell("tc qdisc show dev eth0 clsact; ip route show table all proto boot") == "");
}

TEST_CASE(
    "uplink: while nobody has the Node's address nothing is taken away, and then all is back") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = desired_now(*kernel).state;
  require_pass(*kernel, desired);
  shell("ip addr del 172.18.0.3/16 dev eth0");  // also deletes the routes through it
  const auto before = kernel->dump();
  const auto without = desired_now(*kernel);
  CHECK(without.cluster.incomplete);
  REQUIRE_FALSE(without.problems.empty());
  CHECK_THAT(without.problems.front().sentence,
             Catch::Contains("no device of this host carries 172.18.0.3"));
  CHECK(reconcile(*kernel, without.state, Scope::additions).quiet());
  CHECK(kernel->dump() == before);
  shell("ip addr add 172.18.0.3/16 dev eth0");
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
}

}  // namespace this_file
