// Foreign firewalls judge pods' packets as they would without encryption: by connection tracking,
// by address, in the order of their own rules.
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kService = "10.96.169.246";
constexpr const char* kServiceIpv6 = "fd00:10:96::a9f6";

std::vector<NodeSpec> two_nodes() {
  auto nodes = dual_stack_nodes();
  std::erase_if(nodes, [](const NodeSpec& node) { return node.name == "control-plane"; });
  return nodes;
}

struct Cluster {
  Lab lab;

  explicit Cluster(const std::string& key_line)
      : lab({.nodes = two_nodes(), .key_line = key_line}) {
    lab.start_agents();
    lab.add_pod("worker", "net", std::vector<std::string>{"10.0.1.52", "fd00:10:1::34"});
    lab.add_pod("worker2", "cni-fcnh6", std::vector<std::string>{"10.0.0.249", "fd00:10::f9"});
    lab.serve_http("cni-fcnh6");
    must_in("worker",
            iptables() + " -t nat -A PREROUTING -d " + kService + " -j DNAT --to 10.0.0.249");
    must_in("worker",
            ip6tables() + " -t nat -A PREROUTING -d " + kServiceIpv6 + " -j DNAT --to fd00:10::f9");
  }

  void check_talks() {
    for (const char* to : {"10.0.0.249", "fd00:10::f9", kService, kServiceIpv6}) {
      CAPTURE(to);
      CHECK(wait_until([&] { return sh_in("net", std::string("ping -c 1 -W 1 ") + to).ok(); }));
      CHECK(lab.http_get("net", http_url(to)).ok());
    }
    CHECK(sh_in("cni-fcnh6", "ping -c 1 -W 1 10.0.1.52").ok());
    CHECK(sh_in("cni-fcnh6", "ping -c 1 -W 1 fd00:10:1::34").ok());
  }

  void check_closed() {
    for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
    CHECK(lab.cleartext().empty());
  }
};

void on_both(const std::string& command) {
  for (const char* node : {"worker", "worker2"}) must_in(node, command);
}

bool answers(const std::string& from, const std::string& to) {
  return sh_in(from, "ping -c 1 -W 1 " + to).ok();
}

// The number of TCP connections that conntrack lists with these words and has seen in both
// directions.
size_t assured(const std::string& node, const std::string& words) {
  return std::stoul(must_in(node,
                            "(conntrack -L -p tcp -f ipv4; conntrack -L -p tcp -f ipv6) "
                            "2>/dev/null | grep ASSURED | grep -c '" +
                                words + "' || true"));
}

void check_invalid_is_nothing_of_ours(const std::string& key_line) {
  Cluster cluster(key_line);
  for (const std::string& tool : {iptables(), ip6tables()}) {
    on_both(tool + " -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP");
    on_both(tool + " -I FORWARD -m conntrack --ctstate INVALID -j DROP");
  }
  cluster.check_talks();
  for (const char* node : {"worker", "worker2"}) {
    CAPTURE(node);
    CHECK(assured(node, "dst=10.0.0.249 .*dport=80\\|src=10.0.0.249 .*sport=80") > 0);
    CHECK(assured(node, "fd00:10::f9") > 0);
  }
  CHECK(cluster.lab.agent("worker").ctl("status").ok());
  cluster.check_closed();
}

void check_order(const std::string& key_line) {
  Cluster cluster(key_line);
  Lab& lab = cluster.lab;
  on_both(iptables() + " -P FORWARD DROP && " + ip6tables() + " -P FORWARD DROP");
  cluster.check_talks();
  const auto settled = [&] {
    return wait_until([&] { return lab.agent("worker").ask("diff")["operations"].empty(); });
  };
  for (const char* place : {"-I FORWARD", "-A FORWARD"}) {
    CAPTURE(place);
    const std::string rule = std::string(place) + " -s 10.0.1.52 -d 10.0.0.249 -j DROP";
    must_in("worker", iptables() + " " + rule);
    CHECK(settled());
    CHECK_FALSE(answers("net", "10.0.0.249"));
    CHECK(answers("net", "fd00:10::f9"));
    must_in("worker", iptables() + " -D FORWARD -s 10.0.1.52 -d 10.0.0.249 -j DROP");
    CHECK(settled());
    CHECK(answers("net", "10.0.0.249"));
  }
  cluster.check_closed();
}

void check_refusing_is_named(const std::string& key_line) {
  Cluster cluster(key_line);
  auto& agent = cluster.lab.agent("worker");
  const auto named = [&](const std::string& rule) {
    return wait_until([&] { return agent.says().find("the rule `" + rule) != std::string::npos; });
  };
  const std::string rule = " -A FORWARD -j REJECT --reject-with icmp";
  must_in("worker", iptables() + rule + "-host-prohibited");
  CHECK(named(iptables() + rule + "-host-prohibited"));
  CHECK_FALSE(answers("net", "10.0.0.249"));
  must_in("worker", ip6tables() + rule + "6-adm-prohibited");
  CHECK(named(ip6tables() + rule + "6-adm-prohibited"));
  CHECK_FALSE(agent.ctl("status").ok());

  must_in("worker", iptables() + " -I FORWARD -s 10.0.0.0/16 -j ACCEPT");
  must_in("worker", ip6tables() + " -D FORWARD -j REJECT --reject-with icmp6-adm-prohibited");
  CHECK(wait_until([&] { return agent.ctl("status").ok(); }));
  cluster.check_talks();
  cluster.check_closed();
}

void check_state(const std::string& key_line) {
  Cluster cluster(key_line);
  // Like a policy engine on the receiving node: net may open connections, cni-fcnh6 may only
  // answer.
  on_both(iptables() + " -N ENGINE && " + iptables() +
          " -A ENGINE -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT && " + iptables() +
          " -A ENGINE -s 10.0.1.52 -d 10.0.0.249 -m conntrack --ctstate NEW -j ACCEPT && " +
          iptables() + " -A ENGINE -s 10.0.0.0/16 -d 10.0.0.0/16 -j DROP && " + iptables() +
          " -I FORWARD -j ENGINE");
  CHECK(wait_until([&] { return answers("net", "10.0.0.249"); }));
  CHECK(cluster.lab.http_get("net", "http://10.0.0.249/").ok());
  CHECK(cluster.lab.http_get("net", http_url(kService)).ok());
  CHECK_FALSE(answers("cni-fcnh6", "10.0.1.52"));
  cluster.check_closed();
}

void check_nftables(const std::string& key_line) {
  Cluster cluster(key_line);
  on_both(
      "nft 'table inet wall { chain pre { type filter hook prerouting priority -140; "
      "ct state invalid drop; }; chain judge { type filter hook forward priority 0; "
      "ct state invalid drop; ct state established,related accept; "
      "ip saddr 10.0.0.249 ip daddr 10.0.1.52 drop; }; }'");
  for (const char* to : {"10.0.0.249", "fd00:10::f9", kService, kServiceIpv6}) {
    CAPTURE(to);
    CHECK(wait_until([&] { return answers("net", to); }));
    CHECK(cluster.lab.http_get("net", http_url(to)).ok());
  }
  CHECK_FALSE(answers("cni-fcnh6", "10.0.1.52"));
  cluster.check_closed();
}

}  // namespace

TEST_CASE("firewall: what drops INVALID packets before routing drops none of the pods'") {
  check_invalid_is_nothing_of_ours(pair_key_line());
}

TEST_CASE("firewall: what drops INVALID packets, one key for all") {
  check_invalid_is_nothing_of_ours(api::kSeedKeyLine);
}

TEST_CASE("firewall: an administrator's DROP in FORWARD holds, a policy of DROP does not") {
  check_order(pair_key_line());
}

TEST_CASE("firewall: an administrator's DROP, one key for all") {
  check_order(api::kSeedKeyLine);
}

TEST_CASE("firewall: a rule that refuses all that is forwarded is named") {
  check_refusing_is_named(pair_key_line());
}

TEST_CASE("firewall: who may begin a connection between pods is decided by its state") {
  check_state(pair_key_line());
}

TEST_CASE("firewall: who may begin a connection, one key for all") {
  check_state(api::kSeedKeyLine);
}

TEST_CASE("firewall: another program's device is no pod's for what its name begins with") {
  Lab lab;
  lab.start_agent("worker");
  must_in("worker", iptables() + " -P FORWARD DROP && sysctl -qw net.ipv4.ip_forward=1");
  must_in("worker",
          "ip link add lxcbr0 type bridge && ip addr add 10.0.30.1/24 dev lxcbr0 && "
          "ip link set lxcbr0 up");
  must("ip netns add guest1");
  must_in("worker",
          "ip link add vguest type veth peer name eth0 netns guest1 && "
          "ip link set vguest master lxcbr0 up");
  must_in("guest1",
          "ip addr add 10.0.30.2/24 dev eth0 && ip link set eth0 up && "
          "ip route add default via 10.0.30.1");
  Capture& out = lab.capture("worker", "eth0", "src 10.0.30.2");
  CHECK(answers("guest1", "10.0.30.1"));
  CHECK_FALSE(answers("guest1", "172.18.0.1"));
  CHECK(out.packets().empty());
}

// User-Mode Linux (6.1) has no nf_tables for IP. So the two nftables cases run only in the stock
// kernel, in every tools/test.
TEST_CASE("firewall: nftables that drops INVALID packets and judges by state", "[.][stock]") {
  check_nftables(pair_key_line());
}

TEST_CASE("firewall: nftables, one key for all", "[.][stock]") {
  check_nftables(api::kSeedKeyLine);
}

}  // namespace this_file
