#include "agent/preflight/network.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

const std::vector<NetworkDevice> kDevices = {
    {"lo", "", 65536}, {"eth0", "", 1500}, {"wg0", "", 1300}};

}  // namespace

TEST_CASE("preflight: the device of the default route is read") {
  CHECK(parse_default_device("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
                             "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
                             "eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n") ==
        "eth0");
  CHECK(parse_default_device("Iface\tDestination\n") == "");
  const std::string zeros(32, '0');
  CHECK(parse_default_device6(zeros + " 00 " + zeros + " 00 " + zeros +
                              " ffffffff 00000001 00000000 00200200       lo\n" + zeros + " 00 " +
                              zeros +
                              " 00 fe800000000000000000000000000001 00000400 00000001 "
                              "00000000 00450003     eth0\n") == "eth0");
  CHECK(parse_default_device6("") == "");
}

TEST_CASE("preflight: the uplink is the one that is named, else that of the default route") {
  CHECK(judge_uplink("", "eth0", kDevices).found == "eth0, MTU 1500, of which pods have 1446");
  CHECK(judge_uplink("", "eth0", kDevices).verdict == Verdict::ok);
  CHECK_THAT(judge_uplink("wg0", "eth0", kDevices).found, Contains("wg0, MTU 1300"));
  CHECK(judge_uplink("wg0", "eth0", kDevices).verdict == Verdict::warn);
  CHECK(judge_uplink("bond0", "eth0", kDevices).verdict == Verdict::fail);
  CHECK(judge_uplink("bond0", "eth0", kDevices).found == "there is no device bond0");
  CHECK(judge_uplink("", "", kDevices).verdict == Verdict::unknown);
}

TEST_CASE("preflight: a CNI ahead of ours fails, one behind it is a warning") {
  CHECK(judge_cni("/etc/cni/net.d", {}).verdict == Verdict::ok);
  const auto behind = judge_cni("/etc/cni/net.d", {"10-kindnet.conflist"});
  CHECK(behind.verdict == Verdict::warn);
  CHECK(behind.found == "/etc/cni/net.d has 10-kindnet.conflist, behind 05-pellicle.conflist");
  const auto ahead = judge_cni("/etc/cni/net.d", {"00-other.conf", "10-b.conf", "20-c.conf"});
  CHECK(ahead.verdict == Verdict::fail);
  CHECK_THAT(ahead.found, Contains("00-other.conf and 2 more, ahead of"));
}

TEST_CASE("preflight: other networks show by their daemons and by their devices") {
  const auto found = [](const std::vector<NetworkDevice>& devices, const Processes& processes,
                        bool programmed = false) {
    return judge_other_networks(devices, processes, programmed);
  };
  CHECK(found(kDevices, {{1, "systemd"}}).front().found == "none seen");
  const auto running = found(kDevices, {{81, "cilium-agent"}});
  CHECK(running.front().verdict == Verdict::fail);
  CHECK(running.front().found == "the process cilium-agent (pid 81) of Cilium");
  CHECK(found({{"flannel.1", "vxlan", 1450}}, {}).front().found ==
        "the device flannel.1 of Flannel");
  CHECK(found({{"flannel.1", "vxlan", 1450}}, {}).front().verdict == Verdict::warn);
  CHECK(found({{"cilium_host", "veth", 1500}}, {}).front().found ==
        "the device cilium_host of Cilium");
  CHECK(found({{"cilium_host", "veth", 1500}}, {}, true).front().verdict == Verdict::ok);
  CHECK(found({{"cali123", "veth", 1500}, {"weave", "bridge", 1376}}, {}).size() == 2);
}

TEST_CASE("preflight: others' XFRM objects are counted, and a key daemon is named") {
  CHECK(judge_xfrm(OthersXfrm{}, "", {}).verdict == Verdict::ok);
  CHECK(judge_xfrm(std::nullopt, "", {}).verdict == Verdict::ok);  // XFRM is not even loaded
  CHECK(judge_xfrm(std::nullopt, "Operation not permitted", {}).verdict == Verdict::unknown);
  const auto both = judge_xfrm(OthersXfrm{.states = 2, .policies = 3}, "", {{7, "charon"}});
  CHECK(both.verdict == Verdict::warn);
  CHECK(both.found == "not ours: states 2, policies 3; charon (pid 7) runs");
  CHECK(judge_xfrm(OthersXfrm{}, "", {{7, "pluto"}}).verdict == Verdict::warn);
  CHECK(judge_xfrm(OthersXfrm{.policies = 1}, "", {}).verdict == Verdict::warn);
}

}  // namespace this_file
