// Fail closed without a hook: whatever is taken off a node's devices, whatever stands before it
// there, and by whichever kind of device the node reaches the others, no packet between pods of two
// nodes is in the clear on any wire. One case for each kind of uplink and form of key; the tables
// below are what each goes through.
#include <algorithm>
#include <functional>
#include <sstream>

#include "tests/datapath/internal_ips.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"
#include "tests/harness/length.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kService = "10.96.169.246";
constexpr const char* kServiceIpv6 = "fd00:10:96::a9f6";
constexpr int kNodePort = 32000;
constexpr const char* kConfig = "strict-cidr = \"10.0.0.0/8,fd00:10::/32\"\n";

// How a node reaches the others: the device of its InternalIP, by commands in each node's
// namespace. %1 is the last number of the node's addresses, %2 that of the other node's.
struct Uplink {
  const char* what;
  const char* device;
  const char* network;  // of its addresses, "172.18.0." and "fd00:172::" with the number behind
  const char* network6;
  const char* commands;
  const char* other_device = nullptr;  // carries the default route
};

constexpr Uplink kEth0{"one uplink", "eth0", "172.18.0.", "fd00:172::", ""};
constexpr Uplink kSecondNic{"a second NIC with the default route",
                            "eth0",
                            "172.18.0.",
                            "fd00:172::",
                            "ip link add eth1 type dummy && ip addr add 172.29.0.%1/16 dev eth1 && "
                            "ip addr add fd00:29::%1/64 dev eth1 nodad && ip link set eth1 up && "
                            "ip route replace default via 172.29.0.1 && "
                            "ip -6 route replace default via fd00:29::1 && "
                            "ip neigh add 172.29.0.1 lladdr 02:00:00:00:00:01 dev eth1 && "
                            "ip neigh add fd00:29::1 lladdr 02:00:00:00:00:01 dev eth1",
                            "eth1"};
constexpr Uplink kGre{"a tunnel without Ethernet header", "mesh0", "100.64.0.", "fd00:64::",
                      "ip link add mesh0 type gre local 172.18.0.%1 remote 172.18.0.%2 && "
                      "ip addr add 100.64.0.%1/24 dev mesh0 && "
                      "ip addr add fd00:64::%1/64 dev mesh0 nodad && ip link set mesh0 up"};
constexpr Uplink kVlan{"a VLAN", "eth0.7", "172.30.0.", "fd00:30::",
                       "ip link add link eth0 name eth0.7 type vlan id 7 && "
                       "ip addr add 172.30.0.%1/16 dev eth0.7 && "
                       "ip addr add fd00:30::%1/64 dev eth0.7 nodad && ip link set eth0.7 up"};

enum class Path { direct, service, node_port };

// What is done to worker's devices. $LXC is the device of its pod, $UP its uplink.
struct Damage {
  const char* what;
  const char* command;
  bool works;  // what pods send is answered all the same
};

// A program of another owner that says TC_ACT_OK (0) to everything. Of two filters with one
// priority the kernel asks the newer one first (6.1), and ours is not asked any more.
constexpr const char* kOthersFilter =
    "tc filter add dev $UP $HOOK protocol all prio 1 handle 2 bpf bytecode '1,6 0 0 0' da";

const std::vector<Damage> kDamages = {
    {"nothing", "true", true},
    {"the lxc program", "tc filter del dev $LXC ingress", true},
    {"the uplink's egress program", "tc filter del dev $UP egress", true},
    {"another filter before ours on the uplink's egress", "HOOK=egress; %others", true},
    {"another filter before ours on the uplink's ingress", "HOOK=ingress; %others", false},
    {"the uplink's clsact", "tc qdisc del dev $UP clsact", false},
    {"cilium_host's program", "tc filter del dev cilium_host egress", false},
    {"cilium_net's program", "tc filter del dev cilium_net ingress", false},
    {"every program",
     "for dev in $LXC $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done", false},
    {"every program, with cilium_host down",
     "for dev in $LXC $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done; "
     "ip link set cilium_host down",
     false},
    {"every program, and cilium_host",
     "for dev in $LXC $UP; do tc qdisc del dev $dev clsact; done; ip link del cilium_host", false},
    {"every program but lxc's, and the marks' rules",
     "for dev in $UP cilium_host cilium_net; do tc qdisc del dev $dev clsact; done; "
     "ip rule del priority 1 && ip rule del priority 1",
     false},
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string number_of(const std::string& node) {
  return node == "worker" ? "3" : "4";
}

// A cluster of worker and worker2; control-plane is a Node whose agent never runs.
class Cluster {
 public:
  Cluster(const Uplink& uplink, const std::string& key_line)
      : uplink_(uplink),
        lab_({.nodes = dual_stack_nodes(), .key_line = key_line, .agent_config = kConfig}) {
    for (const char* node : {"worker", "worker2"}) plug(node);
    not_ready("control-plane");
    watch();
    for (const char* node : {"worker", "worker2"}) lab_.start_agent(node);
    for (const SeedPod& pod : kSeedPods) {
      if (std::string(pod.node) != "control-plane") {
        lab_.add_pod(pod.node, pod.name, std::vector<std::string>{pod.address, pod.ipv6});
      }
    }
    lab_.serve_http("cni-fcnh6");
    serve();
    lxc_ = lxc_of("net");
  }

  Lab& lab() { return lab_; }

  // Everything once, by both families: does what should be answered get an answer?
  void talk(bool works) {
    for (const auto path : {Path::direct, Path::service, Path::node_port}) {
      for (const auto family : kFamilies) {
        CAPTURE(int(path), family_name(family));
        if (works) {
          CHECK(wait_until([&] { return asks(path, family); }));
        } else {
          asks(path, family);
        }
      }
    }
    // No pod has these addresses; nothing of it may leave.
    for (const char* nobody : {"10.0.2.77", "fd00:10:2::4d", "10.77.0.1", "fd00:10:77::1"}) {
      sh_in("net", std::string("ping -c 2 -i 0.2 -W 0.3 ") + nobody);
    }
  }

  void damage(const Damage& damage) {
    std::string command = replaced(damage.command, "%others", kOthersFilter);
    must_in("worker", "LXC=" + lxc_ + "; UP=" + uplink_.device + "; " + command);
  }

  void repaired() {
    for (const char* hook : {"ingress", "egress"}) {
      sh_in("worker", std::string("tc filter del dev ") + uplink_.device + " " + hook +
                          " protocol all prio 1 handle 2 bpf");
    }
    CHECK(wait_until([&] { return lab_.agent("worker").ask("diff")["operations"].empty(); }, 60s));
  }

  void check_closed() {
    for (const Packet& packet : lab_.cleartext()) UNSCOPED_INFO(packet.text());
    CHECK(lab_.cleartext().empty());
    for (Capture* capture : captures_) {
      const auto text = capture->text();
      CAPTURE(text);
      CHECK(text.find(" > ") == std::string::npos);
    }
  }

 private:
  void plug(const std::string& node) {
    const auto number = number_of(node);
    const std::string other = node == "worker" ? "4" : "3";
    if (*uplink_.commands) {
      must_in(node, replaced(replaced(uplink_.commands, "%1", number), "%2", other));
    }
    set_internal_ips(lab_, node, {uplink_.network + number, uplink_.network6 + number});
  }

  void not_ready(const std::string& node) {
    lab_.api().patch(api::node_key(node),
                     {{"metadata",
                       {{"annotations",
                         {{"network.cilium.io/ipv4-cilium-host", nullptr},
                          {"network.cilium.io/ipv6-cilium-host", nullptr}}}}}});
  }

  // Captures packets between pods of two nodes, and packets for pod addresses that no node has, on
  // every device that may carry them. ESP has cilium_host's addresses, so it is not captured.
  void watch() {
    const std::string pods =
        "(src net 10.0.1.0/24 and dst net 10 and not dst net 10.0.1.0/24) or "
        "(src net fd00:10:1::/64 and dst net fd00:10::/32 and not dst net fd00:10:1::/64)";
    for (const char* device : {uplink_.device, uplink_.other_device}) {
      if (device == nullptr) continue;
      captures_.push_back(&lab_.capture("worker", device,
                                        "(" + pods + ") and not ip proto 50 and not ip6 proto 50"));
    }
  }

  // A kube-proxy's rules for one Service, whose one back end is on the other node.
  void serve() {
    const auto rules = [&](const std::string& tool, const std::string& service,
                           const std::string& node, const std::string& to) {
      const std::string port = " -p tcp --dport " + std::to_string(kNodePort);
      must_in("worker", tool + " -t nat -A PREROUTING -d " + service + " -j DNAT --to " + to +
                            "; " + tool + " -t nat -A PREROUTING -d " + node + port +
                            " -j MARK --or-mark 0x4000; " + tool + " -t nat -A PREROUTING -d " +
                            node + port + " -j DNAT --to " + (to[0] == 'f' ? "[" + to + "]" : to) +
                            ":80; " + tool +
                            " -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE");
    };
    rules(iptables(), kService, uplink_.network + std::string("3"), "10.0.0.249");
    rules(ip6tables(), kServiceIpv6, uplink_.network6 + std::string("3"), "fd00:10::f9");
  }

  std::string lxc_of(const std::string& pod) {
    const std::string index =
        must_in(pod, "ip -o link show eth0 | sed 's/.*@if\\([0-9]*\\):.*/\\1/'");
    std::string name =
        must_in("worker", "ip -o link | sed -n 's/^" + index.substr(0, index.find('\n')) +
                              ": \\([^@]*\\)@.*/\\1/p'");
    name.pop_back();
    return name;
  }

  bool asks(Path path, Family family) {
    const bool ipv4 = family == Family::v4;
    switch (path) {
      case Path::direct:
        return sh_in("net", std::string("ping -c 1 -W 1 ") + (ipv4 ? "10.0.0.249" : "fd00:10::f9"))
            .ok();
      case Path::service:
        return fetches(http_url(ipv4 ? kService : kServiceIpv6));
      case Path::node_port:
        return fetches(
            http_url((ipv4 ? uplink_.network : uplink_.network6) + std::string("3"), kNodePort));
    }
    return false;
  }

  static bool fetches(const std::string& url) {
    return sh_in("net", "curl --silent --globoff --max-time 1 " + shell_word(url))
               .output.find("PodName: cni-fcnh6") != std::string::npos;
  }

  Uplink uplink_;
  Lab lab_;
  std::string lxc_;
  std::vector<Capture*> captures_;
};

// By default the other kinds of uplink go through the first and the last of the damages.
std::vector<Damage> some_damages() {
  if (length(0, 1) != 0) return kDamages;
  return {kDamages.front(), kDamages.back()};
}

void check_uplink(const Uplink& uplink, const std::string& key_line,
                  const std::vector<Damage>& damages) {
  CAPTURE(uplink.what, key_line.substr(0, 2));
  Cluster cluster(uplink, key_line);
  cluster.talk(true);
  cluster.check_closed();
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    cluster.lab().agent("worker").stop();
    cluster.damage(damage);
    cluster.talk(damage.works);
    cluster.lab().start_agent("worker");
    cluster.repaired();
    cluster.check_closed();
  }
  cluster.talk(true);
  cluster.check_closed();
}

}  // namespace

TEST_CASE("closed: one uplink, a key for each pair") {
  check_uplink(kEth0, pair_key_line(), kDamages);
}

TEST_CASE("closed: one uplink, one key for all") {
  check_uplink(kEth0, api::kSeedKeyLine, kDamages);
}

TEST_CASE("closed: a second NIC with the default route, a key for each pair") {
  check_uplink(kSecondNic, pair_key_line(), some_damages());
}

TEST_CASE("closed: a second NIC with the default route, one key for all") {
  check_uplink(kSecondNic, api::kSeedKeyLine, some_damages());
}

TEST_CASE("closed: a tunnel without Ethernet header, a key for each pair") {
  check_uplink(kGre, pair_key_line(), some_damages());
}

TEST_CASE("closed: a tunnel without Ethernet header, one key for all") {
  check_uplink(kGre, api::kSeedKeyLine, some_damages());
}

TEST_CASE("closed: a VLAN, a key for each pair") {
  check_uplink(kVlan, pair_key_line(), some_damages());
}

TEST_CASE("closed: a VLAN, one key for all") {
  check_uplink(kVlan, api::kSeedKeyLine, some_damages());
}

}  // namespace this_file
