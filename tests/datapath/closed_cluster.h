// A cluster of two nodes with one kind of uplink. Pods use every kind of connection while a test
// damages one node's devices. See closed_test.cpp for the purpose.
#pragma once

#include <poll.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/datapath/internal_ips.h"
#include "tests/datapath/pod_socket.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace pellicle::lab {

// How a node reaches the others: the device of its InternalIP, set up by commands in each node's
// namespace. %1 is the last number of the node's addresses, %2 that of the other node's.
struct Uplink {
  const char* what;
  const char* device;
  const char* network;  // address prefix, "172.18.0." and "fd00:172::"; the node's number follows
  const char* network6;
  const char* commands;
  const char* other_device = nullptr;  // carries the default route
};

// Damage to worker's devices. $LXC is the device of its pod, $UP its uplink, %others a foreign
// filter on the uplink's $HOOK.
struct Damage {
  const char* what;
  const char* command;
  bool works;  // pods still get answers
};

// A foreign program that returns TC_ACT_OK (0) for everything. Of two filters with the same
// priority the kernel runs the newer one first (6.1), and then does not run Pellicle's.
constexpr const char* kOthersFilter =
    "tc filter add dev $UP $HOOK protocol all prio 1 handle 2 bpf bytecode '1,6 0 0 0' da";

inline std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Echoes every datagram to a pod's port until it is destroyed.
class UdpEcho {
 public:
  static constexpr int kPort = 7007;

  UdpEcho(const std::string& pod, const std::string& address) : socket_(udp_socket_in(pod)) {
    const sockaddr_in own = udp_address(address, kPort);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
      throw LabError("bind in " + pod);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) answer();
    });
  }

 private:
  void answer() {
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 100) != 1) return;
    char bytes[64];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* sender = reinterpret_cast<sockaddr*>(&from);
    const ssize_t count = recvfrom(socket_.get(), bytes, sizeof bytes, 0, sender, &size);
    if (count > 0) sendto(socket_.get(), bytes, static_cast<size_t>(count), 0, sender, size);
  }

  FileDescriptor socket_;
  std::jthread thread_;
};

constexpr const char* kService = "10.96.169.246";
constexpr const char* kServiceIpv6 = "fd00:10:96::a9f6";
constexpr int kNodePort = 32000;
constexpr const char* kShapedPod = "shaped";
// No pod has these addresses; no packet to them may leave.
constexpr const char* kNobody =
    "for each in 10.0.2.77 fd00:10:2::4d 10.77.0.1 fd00:10:77::1; do "
    "ping -c 2 -i 0.2 -W 0.3 $each & done; ";

inline std::string number_of(const std::string& node) {
  return node == "worker" ? "3" : "4";
}

// A cluster of worker and worker2; control-plane is a Node whose agent never runs.
class Cluster {
 public:
  Cluster(const Uplink& uplink, const std::string& key_line)
      : uplink_(uplink),
        lab_({.nodes = dual_stack_nodes(),
              .key_line = key_line,
              .agent_config = "strict-cidr = \"10.0.0.0/8,fd00:10::/32\"\n"}) {
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
    echo_.emplace("cni-fcnh6", "10.0.0.249");
    serve();
    lxc_ = lxc_of("net");
    add_shaped_pod();
  }

  Lab& lab() { return lab_; }

  // Tries everything once, over both families, from the plain and the shaped pod. With `works`,
  // every question must get an answer.
  void talk(bool works) {
    for (const char* pod : {"net", kShapedPod}) {
      std::string all = kNobody;
      for (const auto& question : questions(pod)) {
        all += "(" + question + ") & ";
        CAPTURE(pod, question);
        if (works) CHECK(wait_until([&] { return sh_in(pod, question).ok(); }));
      }
      sh_in(pod, works ? kNobody + std::string("wait") : all + "wait");
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

  // Captures packets between pods of two nodes, and packets to pod addresses that no node has, on
  // every device that may carry them. ESP has cilium_host's addresses and is not captured.
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

  // kube-proxy's rules for one Service, whose only back end is on the other node.
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

  std::string lxc_of(const std::string& pod) const {
    const std::string index =
        must_in(pod, "ip -o link show eth0 | sed 's/.*@if\\([0-9]*\\):.*/\\1/'");
    std::string name =
        must_in("worker", "ip -o link | sed -n 's/^" + index.substr(0, index.find('\n')) +
                              ": \\([^@]*\\)@.*/\\1/p'");
    name.pop_back();
    return name;
  }

  // A pod with shaped egress: its own device has no program, a device behind it has one.
  void add_shaped_pod() {
    must(std::string("ip netns add ") + kShapedPod);
    auto& agent = lab_.agent("worker");
    agent.ask("pod-add", {{"id", "worker/shaped"},
                          {"name", kShapedPod},
                          {"netns", std::string("/run/netns/") + kShapedPod},
                          {"addresses", {"10.0.1.77", "fd00:10:1::4d"}},
                          {"egressShaped", true}});
    must_in("worker",
            "LXC=" + lxc_of(kShapedPod) +
                "; ip link add shaper type ifb && ip link set shaper up && "
                "tc qdisc add dev shaper root tbf rate 100mbit burst 256kb latency 25ms && "
                "tc qdisc add dev $LXC ingress && tc filter add dev $LXC parent ffff: protocol "
                "all u32 match u32 0 0 action mirred egress redirect dev shaper");
    CHECK(wait_until([&] {
      return must_in("worker", "tc filter show dev shaper egress").find("pell_lxc_in") !=
             std::string::npos;
    }));
  }

  // One command each; it succeeds if an answer arrives.
  std::vector<std::string> questions(const std::string& pod) const {
    std::vector<std::string> all;
    const auto ask_for_page = [&](const std::string& url) {
      all.push_back("curl --silent --globoff --max-time 1 " + shell_word(url) +
                    " | grep -q 'PodName: cni-fcnh6'");
    };
    for (const bool ipv4 : {true, false}) {
      all.push_back(std::string("ping -c 1 -W 1 ") + (ipv4 ? "10.0.0.249" : "fd00:10::f9"));
      ask_for_page(http_url(ipv4 ? kService : kServiceIpv6));
      if (pod == kShapedPod) continue;
      const char* network = ipv4 ? uplink_.network : uplink_.network6;
      ask_for_page(http_url(network + std::string("3"), kNodePort));
    }
    for (const std::string server : {"10.0.0.249", kService}) {
      all.push_back("bash -c 'exec 3<>/dev/udp/" + server + "/" + std::to_string(UdpEcho::kPort) +
                    " && echo datagram >&3 && timeout 1 head -n 1 <&3 | grep -q datagram'");
    }
    return all;
  }

  Uplink uplink_;
  Lab lab_;
  std::string lxc_;
  std::optional<UdpEcho> echo_;
  std::vector<Capture*> captures_;
};

}  // namespace pellicle::lab
