// Foreign objects stay as they are, whatever Pellicle does; and after `pellicle cleanup` no trace
// of Pellicle is left.
#include <algorithm>
#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/listing.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kNodes[] = {"worker", "worker2", "control-plane"};
constexpr const char* kKey4 = "4 rfc4106(gcm(aes)) f0e1d2c3b4a5968778695a4b3c2d1e0ff1e2d3c4 128";

// Foreign XFRM states and policies, rules, routes and filters, each as similar to Pellicle's as a
// foreign object can be.
constexpr const char* kForeign = R"(
set -e
ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x3 reqid 1 mode tunnel \
  aead 'rfc4106(gcm(aes))' 0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 128
ip xfrm state add src 10.0.1.138 dst 10.0.0.40 proto esp spi 0x100 reqid 1 mode transport \
  aead 'rfc4106(gcm(aes))' 0xabababababababababababababababababababab 128
ip xfrm state add src 192.0.2.1 dst 192.0.2.3 proto esp spi 0x3 reqid 7 mode tunnel \
  mark 0x3e00 mask 0xff00 aead 'rfc4106(gcm(aes))' 0xacacacacacacacacacacacacacacacacacacacac 128
ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir out priority 7 \
  tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel
ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir out mark 0x3e00 mask 0xff00 \
  tmpl src 192.0.2.1 dst 192.0.2.3 proto esp reqid 7 mode tunnel
ip xfrm policy add src 198.51.100.0/24 dst 192.0.2.0/24 dir in mark 0xd00 mask 0xf00 \
  tmpl src 192.0.2.2 dst 192.0.2.1 proto esp reqid 8 mode tunnel
ip xfrm policy add src 198.51.100.9 dst 192.0.2.0/24 dir out action block mark 0xe00 mask 0xf00
ip rule add pref 1 fwmark 0xa00/0xf00 lookup 2005
ip rule add pref 1 fwmark 0xd00/0xf00 lookup 201
ip rule add pref 1 fwmark 0xe00/0xff00 lookup 200
ip rule add pref 2 fwmark 0xd00/0xf00 lookup 200
ip rule add pref 100 from 192.0.2.0/24 lookup 201
ip route add 203.0.113.0/24 via 172.18.0.1 dev eth0
ip route add 203.0.113.0/24 dev eth0 table 200
ip route add 10.0.0.0/28 dev eth0 table 200
ip route add 192.0.2.0/24 via 172.18.0.1 table 201
ip route add 10.0.0.64/28 via 172.18.0.1 dev eth0
ip route add 10.0.0.0/24 via 172.18.0.1 dev eth0 metric 500
tc qdisc add dev eth0 clsact
tc filter add dev eth0 ingress protocol all prio 5 bpf bytecode '1,6 0 0 0'
tc filter add dev eth0 egress protocol all prio 5 bpf bytecode '1,6 0 0 0'
iptables-legacy -t raw -N SOMEBODY
iptables-legacy -t raw -A PREROUTING -j SOMEBODY
iptables-legacy -t raw -A SOMEBODY -d 192.0.2.9 -j DROP
iptables-legacy -t raw -A OUTPUT -d 192.0.2.9 -j DROP
iptables-legacy -A FORWARD -s 192.0.2.9 -j DROP
iptables-legacy -A INPUT -m mark --mark 0xd00/0xf00 -s 192.0.2.9 -j DROP
iptables-legacy -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE
iptables-legacy -t mangle -A FORWARD -d 192.0.2.9 -j MARK --set-mark 7
)";

// A tunnel as strongSwan makes it, reqid 1 included, between the nodes' own addresses.
void add_tunnel(const std::string& node, const std::string& own, const std::string& peer) {
  const auto state = [&](const std::string& from, const std::string& to, const char* spi) {
    return "ip xfrm state add src " + from + " dst " + to + " proto esp spi " + spi +
           " reqid 1 mode tunnel flag af-unspec auth-trunc 'hmac(sha256)' "
           "0x0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10 128 "
           "enc 'cbc(aes)' 0x11121314151617181112131415161718\n";
  };
  const auto policy = [&](const std::string& from, const std::string& to, const char* direction) {
    return "ip xfrm policy add src " + from + "/32 dst " + to + "/32 dir " + direction +
           " priority 367231 tmpl src " + from + " dst " + to + " proto esp reqid 1 mode tunnel\n";
  };
  const bool first = own < peer;
  must_in(node, "set -e\n" + state(own, peer, first ? "0xc1111111" : "0xc2222222") +
                    state(peer, own, first ? "0xc2222222" : "0xc1111111") +
                    policy(own, peer, "out") + policy(peer, own, "in") + policy(peer, own, "fwd"));
}

// A lab with all foreign objects, and its listings.
struct ForeignLab {
  Lab lab{{.key_line = api::kSeedKeyLine, .agent_config = "key-rotation-duration = 1\n"}};
  std::map<std::string, Listing> before;   // everything, on each node
  std::map<std::string, Listing> foreign;  // the foreign part
  size_t tunnel_pings = 0;

  ForeignLab() {
    std::map<std::string, Listing> bare;
    for (const char* node : kNodes) {
      std::filesystem::remove_all(lab.agent(node).state_dir());
      bare[node] = listing(node);
    }
    must_in("worker", kForeign);
    must_in("worker2",
            "tc qdisc add dev eth0 root handle 1: prio && ip rule add pref 1 "
            "fwmark 0xe00/0xff00 lookup 201");
    add_tunnel("worker", "172.18.0.3", "172.18.0.4");
    add_tunnel("worker2", "172.18.0.4", "172.18.0.3");
    for (const char* node : kNodes) {
      before[node] = listing(node);
      const auto added = missing(before[node], bare[node]);
      foreign[node] = Listing(added.begin(), added.end());
    }
  }

  Listing listing(const std::string& node) { return node_listing(node, lab.agent(node)); }

  // All foreign objects exist, and the tunnel still carries packets.
  void check_kept(const std::string& after_what) {
    INFO("after " << after_what);
    for (const char* node : {"worker", "worker2"}) {
      CAPTURE(node);
      CHECK(missing(foreign[node], listing(node)) == std::vector<std::string>{});
    }
    CHECK(lab.ping("worker", "172.18.0.4").ok());
    ++tunnel_pings;
  }

  // Request and reply, each seen on two cables.
  size_t packets_in_the_tunnel() {
    const auto wire = lab.network().wire();
    return static_cast<size_t>(std::count_if(wire.begin(), wire.end(), [](const Packet& packet) {
      const auto is_node = [](const IpAddress& address) {
        return address.to_string() == "172.18.0.3" || address.to_string() == "172.18.0.4";
      };
      return packet.protocol == 50 && is_node(packet.src) && is_node(packet.dst);
    }));
  }

  void check_pods_talk() {
    CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }));
    CHECK(wait_until([&] { return lab.ping("cni-cp", "10.0.1.52").ok(); }));
    CHECK(wait_until([&] { return lab.ping("cni-fcnh6", "10.0.2.77").ok(); }));
  }

  bool settled(const std::string& node) {
    return wait_until([&] { return lab.agent(node).ctl("diff").ok(); });
  }
};

void start_with_pods(Lab& lab) {
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
}

void change_key(Lab& lab) {
  lab.set_key(kKey4);
  for (const char* node : kNodes) {
    CAPTURE(node);
    CHECK(wait_until([&] { return lab.agent(node).ask("status")["encryption"]["key"] == 4; }));
    const auto old = [&] {
      return lab.in_node(node, "ip xfrm state; ip xfrm policy").output.find("mark 0x3e00/0xff00") !=
             std::string::npos;
    };
    // worker has a foreign state and policy with this mark.
    if (node != std::string("worker")) CHECK(wait_until([&] { return !old(); }, 40s));
    const auto of_key_3 = [&] {
      return lab.in_node(node, "ip xfrm state list dst 10.0.0.40 spi 0x3 | grep -c ^src").output;
    };
    CHECK(wait_until([&] { return of_key_3() == "0\n"; }, 40s));
  }
}

// Damages Pellicle's objects.
constexpr const char* kDamage =
    "ip rule del pref 1 fwmark 0xd00/0xf00 lookup 200; "
    "ip route del 10.0.0.0/24 dev cilium_host table 200; "
    "ip route del 10.0.2.0/24 via 172.18.0.2; "
    "ip xfrm policy delete src 10.0.1.0/24 dst 10.0.0.0/24 dir out mark 0x4e00 mask 0xff00; "
    "iptables-legacy -t raw -F PELLICLE_PREROUTING; "
    "ip link del cilium_host";

void check_cleaned_up(ForeignLab& all) {
  for (const char* node : kNodes) {
    CAPTURE(node);
    const Result result = all.lab.agent(node).cleanup();
    CAPTURE(result.output);
    CHECK(result.status == 0);
    CHECK(result.output.find("remove link cilium_host") != std::string::npos);
    const Listing now = all.listing(node);
    CHECK(missing(all.before[node], now) == std::vector<std::string>{});
    CHECK(missing(now, all.before[node]) == std::vector<std::string>{});
    const Result again = all.lab.agent(node).cleanup();
    CHECK(again.output == "nothing of Pellicle's is on this node\n");
    CHECK(again.status == 0);
  }
}

}  // namespace

TEST_CASE("what is somebody else's survives everything, and cleanup leaves nothing of ours") {
  ForeignLab all;
  Lab& lab = all.lab;
  for (const char* node : {"worker", "worker2"}) REQUIRE(all.foreign[node].size() >= 6);
  all.check_kept("nothing");
  start_with_pods(lab);
  all.check_pods_talk();

  CHECK(lab.agent("worker").stop() == 0);
  lab.agent("worker2").kill();
  lab.start_agents();
  all.check_kept("the start and a restart");

  lab.add_node(fourth_node());
  lab.start_agent("worker3");
  REQUIRE(wait_until([&] { return lab.agent("worker").ask("status")["peers"].size() == 3; }));
  lab.remove_node("worker3");
  REQUIRE(wait_until([&] { return lab.agent("worker").ask("status")["peers"].size() == 2; }));
  all.check_kept("a node that came and went");

  change_key(lab);
  all.check_pods_talk();
  all.check_kept("a change of key");

  must_in("worker", kDamage);
  CHECK(all.settled("worker"));
  all.check_pods_talk();
  all.check_kept("the repair of what was damaged");

  const Result refused = lab.agent("worker").cleanup();
  CHECK(refused.status == 2);
  CHECK(refused.output ==
        "pellicle: the agent is running and would put everything back; stop it first\n");
  all.check_kept("a cleanup that was refused");

  CHECK(lab.agent("worker").stop() == 0);
  lab.agent("worker2").kill();  // leaves its socket file
  CHECK(lab.agent("control-plane").stop() == 0);
  check_cleaned_up(all);
  all.check_kept("cleanup");
  CHECK(all.packets_in_the_tunnel() == 4 * all.tunnel_pings);
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a peer whose policy cannot be made is sent nothing, also where no program looks") {
  Lab lab;
  // A foreign policy allows the packets unencrypted. A foreign filter keeps Pellicle's auditor from
  // seeing them.
  must_in("worker",
          "ip xfrm policy add src 10.0.1.0/24 dst 10.0.0.0/24 dir out priority 9 && "
          "tc qdisc add dev eth0 clsact && "
          "tc filter add dev eth0 egress protocol all prio 1 handle 2 bpf bytecode '1,6 0 0 0' da");
  start_with_pods(lab);
  CHECK_FALSE(lab.ping("net", "10.0.0.249", 3).ok());
  CHECK(lab.ping("net", "10.0.2.77").ok());
  const NodeAgent& agent = lab.agent("worker");
  CHECK(agent.says().find("add policy src 10.0.1.0/24 dst 10.0.0.0/24") != std::string::npos);

  must_in("worker", "ip xfrm policy delete src 10.0.1.0/24 dst 10.0.0.0/24 dir out");
  CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }));
  CHECK(wait_until([&] { return must_in("worker", "ip route show table 214").empty(); }));
  CHECK(lab.cleartext().empty());
}

TEST_CASE("a foreign object in our place is refused by name and left alone, and the rest lands") {
  Lab lab;
  must_in("worker",
          "ip route add 10.0.0.0/24 via 172.18.0.1 dev eth0 && "
          "ip xfrm policy add src 10.0.1.0/24 dst 10.0.2.0/24 dir out priority 9 "
          "tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 9 mode tunnel");
  start_with_pods(lab);
  const NodeAgent& agent = lab.agent("worker");
  const std::string taken = ": something that is not ours stands in its place";

  const auto status = agent.ask("status");
  CHECK(status["ready"] == true);
  CHECK(status["refusals"].size() == 2);
  CHECK(agent.ctl("status").status == 1);
  const std::string text = agent.says();
  CAPTURE(text);
  CHECK(text.find("add route 10.0.0.0/24 via 172.18.0.4 dev eth0") != std::string::npos);
  CHECK(text.find("add policy src 10.0.1.0/24 dst 10.0.2.0/24 dir out") != std::string::npos);
  CHECK(text.find(taken) != std::string::npos);
  CHECK(text.find("Agent: Degraded") != std::string::npos);

  const KernelPicture picture = kernel_picture("worker");
  CHECK(picture.main_routes.find("10.0.0.0/24 via 172.18.0.1") != std::string::npos);
  CHECK(picture.main_routes.find("10.0.2.0/24 via 172.18.0.2") != std::string::npos);
  CHECK(picture.policies.find("reqid 9") != std::string::npos);
  CHECK(picture.encrypt_routes.find("10.0.0.0/24 dev cilium_host") != std::string::npos);
  CHECK(picture.encrypt_routes.find("10.0.2.0/24 dev cilium_host") != std::string::npos);
  CHECK(lab.ping("cni-fcnh6", "10.0.2.77").ok());
  CHECK_FALSE(lab.ping("net", "10.0.2.77").ok());  // the foreign policy has no state

  must_in("worker",
          "ip route del 10.0.0.0/24 via 172.18.0.1; "
          "ip xfrm policy delete src 10.0.1.0/24 dst 10.0.2.0/24 dir out");
  CHECK(wait_until([&] { return agent.ctl("status").ok(); }));
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.ping("net", "10.0.2.77").ok());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
