// A node that reaches its peers through two devices: worker2 through eth0, control-plane through a
// direct cable between their eth1 devices.
#include <algorithm>

#include "tests/datapath/internal_ips.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr uint8_t kEsp = 50;
constexpr uint8_t kPing = 1;
constexpr uint8_t kPingIpv6 = 58;

void lay_cable(const std::string& device) {
  must("ip link add " + device + " netns worker type veth peer name " + device +
       " netns control-plane");
  for (const auto& [node, number] : {std::pair{"worker", "3"}, {"control-plane", "2"}}) {
    must_in(node, "ip addr add 172.40.0." + std::string(number) + "/16 dev " + device +
                      " && ip addr add fd00:40::" + number + "/64 dev " + device +
                      " nodad && ip link set " + device + " up");
  }
  must_in("control-plane",
          "ip route add 172.18.0.3 via 172.40.0.3 && "
          "ip -6 route add fd00:172::3 via fd00:40::3");
}

// control-plane's InternalIPs are its addresses on the cable.
void connect(Lab& lab) {
  lay_cable("eth1");
  must_in("worker2",
          "ip route add 172.40.0.2 via 172.18.0.2 && "
          "ip -6 route add fd00:40::2 via fd00:172::2");
  set_internal_ips(lab, "control-plane", {"172.40.0.2", "fd00:40::2"});
}

bool talks(Lab& lab) {
  const auto answers = [&](const char* from, const char* to) {
    return sh_in(from, std::string("ping -c 1 -W 1 ") + to).ok();
  };
  return lab.http_get("net", http_url("10.0.0.249")).ok() && answers("net", "10.0.2.77") &&
         answers("net", "fd00:10:2::4d") && answers("net", "fd00:10::f9") &&
         answers("cni-cp", "10.0.1.52") && answers("cni-cp", "10.0.0.249") &&
         answers("cni-cp", "fd00:10::f9");
}

size_t count(const std::vector<Packet>& packets, uint8_t protocol, const char* to) {
  return static_cast<size_t>(std::count_if(packets.begin(), packets.end(), [&](const auto& each) {
    return each.protocol == protocol && each.dst == IpAddress::parse(to).value();
  }));
}

// A node's capture also shows what it decrypts, on the receiving device: so each end checks what it
// sends.
void check_encrypted(Capture& cable, const std::vector<const char*>& pods_there) {
  const auto packets = cable.packets();
  for (const char* router : {"10.0.2.52", "10.0.1.138", "fd00:10:2::34", "fd00:10:1::8a"}) {
    CAPTURE(router);
    CHECK(count(packets, kEsp, router) > 0);
  }
  for (const char* pod : pods_there) {
    CAPTURE(pod);
    CHECK(count(packets, kPing, pod) + count(packets, kPingIpv6, pod) == 0);
  }
}

void check_followed(Lab& lab, const std::string& device) {
  CAPTURE(device);
  CHECK(wait_until([&] { return talks(lab); }, 30s));
  for (const char* direction : {"ingress", "egress"}) {
    const auto filters = must_in("worker", "tc filter show dev " + device + " " + direction);
    CHECK(filters.find("pell_uplink_") != std::string::npos);
  }
  CHECK(wait_until([&] { return lab.agent("worker").ctl("status").ok(); }, 30s));
}

// Pods learn the MTU of the cable, which is smaller than the uplink's.
void check_narrow() {
  for (const char* node : {"worker", "control-plane"}) must_in(node, "ip link set eth1 mtu 1400");
  const auto mtu = [](const char* pod_cidr) {
    return must_in("worker", std::string("ip route show table 200 ") + pod_cidr);
  };
  CHECK(wait_until([&] { return mtu("10.0.2.0/24").find(" mtu 1400") != std::string::npos; }));
  CHECK(mtu("10.0.0.0/24").find(" mtu 1500") != std::string::npos);
  for (const char* pod : {"10.0.2.77", "fd00:10:2::4d", "10.0.0.249", "fd00:10::f9"}) {
    CAPTURE(pod);
    CHECK(wait_until(
        [&] { return sh_in("net", std::string("ping -c 1 -W 1 -s 1380 ") + pod).ok(); }));
  }
}

void check_two_uplinks(const std::string& key_line) {
  Lab lab({.nodes = dual_stack_nodes(), .key_line = key_line});
  connect(lab);
  Capture& cable = lab.capture("worker", "eth1");
  Capture& other_end = lab.capture("control-plane", "eth1");
  lab.start_agents();
  add_seed_pods(lab);
  lab.serve_http("cni-fcnh6");
  check_followed(lab, "eth1");
  check_narrow();
  CHECK(must_in("worker", "ip route show 10.0.2.0/24") == "10.0.2.0/24 via 172.40.0.2 dev eth1 \n");
  CHECK(must_in("worker", "ip route show 10.0.0.0/24") == "10.0.0.0/24 via 172.18.0.4 dev eth0 \n");
  check_encrypted(cable, {"10.0.2.77", "fd00:10:2::4d"});
  check_encrypted(other_end, {"10.0.1.52", "fd00:10:1::34"});
  cable.stop();
  other_end.stop();

  INFO("the device goes and comes again, and gets another name");
  must_in("worker", "ip link del eth1");
  lay_cable("eth1");
  check_followed(lab, "eth1");
  must_in("worker",
          "ip link set eth1 down && ip link set eth1 name mesh1 && ip link set mesh1 up && "
          "ip addr add fd00:40::3/64 dev mesh1 nodad");
  Capture& anew = lab.capture("worker", "mesh1");
  check_followed(lab, "mesh1");
  check_encrypted(anew, {"10.0.2.77", "fd00:10:2::4d"});

  INFO("nothing is left");
  lab.agent("worker").stop();
  CHECK(lab.agent("worker").cleanup().ok());
  CHECK(must_in("worker", "tc qdisc show dev mesh1").find("clsact") == std::string::npos);
  CHECK(lab.cleartext().empty());
}

}  // namespace

TEST_CASE("uplinks: each peer by the device that leads to it, a key for each pair") {
  check_two_uplinks(pair_key_line());
}

TEST_CASE("uplinks: each peer by the device that leads to it, one key for all") {
  check_two_uplinks(api::kSeedKeyLine);
}

}  // namespace this_file
