// Each speaks in its own name: hand-made packets of a pod, of a host on the wire and of a
// stolen node, to a local pod, a remote one, a Service and nodes. And what looks odd and is right.
#include <set>

#include "tests/datapath/raw_frames.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

const std::string kMasquerading = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n";
const std::string kHostEncryption = "host-encryption = true\n";
const std::string kOutside;  // the guest's root namespace, 172.18.0.1

struct Target {
  const char* what;
  const char* v4;
  const char* v6;
};
constexpr Target kTargets[] = {{"a pod of the same node", "10.0.1.103", "fd00:10:1::67"},
                               {"a pod of another", "10.0.0.249", "fd00:10::f9"},
                               {"a Service", kServiceAddress, kServiceIpv6},
                               {"its node", "172.18.0.3", "fd00:172::3"},
                               {"another node", "172.18.0.4", "fd00:172::4"}};
// In whose name the pod 10.0.1.52 speaks.
constexpr Target kNames[] = {{"a pod of its node", "10.0.1.103", "fd00:10:1::67"},
                             {"a pod of another", "10.0.0.249", "fd00:10::f9"},
                             {"its node", "172.18.0.3", "fd00:172::3"},
                             {"another node", "172.18.0.4", "fd00:172::4"},
                             {"cilium_host", "10.0.1.138", "fd00:10:1::8a"},
                             {"the world", "8.8.8.8", "2001:db8::8"},
                             {"no address", "0.0.0.0", "::"}};

class Names {
 public:
  Names() {
    install_service(lab.network());
    lab.start_agents();
    add_seed_pods(lab);
    lab.serve_http_on_nodes(kHostNetworkPort);
    REQUIRE(wait_until([&] { return all_drop_clear_text(); }));
    for (const SeedPod& pod : kSeedPods) captures_[pod.name] = &lab.capture(pod.name, "eth0");
  }

  uint64_t drops(const std::string& node, const std::string& reason) {
    return lab.agent(node).ask("status")["drops"][reason]["packets"].get<uint64_t>();
  }
  // The screen of the node `worker`, once it has these words.
  std::string worker_says(const std::string& words) {
    std::string screen;
    wait_until([&] {
      screen = lab.agent("worker").says();
      return screen.find(words) != screen.npos;
    });
    return screen;
  }
  // Of all three kinds, on all nodes.
  uint64_t refused() {
    uint64_t sum = 0;
    for (const NodeSpec& node : lab.network().nodes()) {
      for (const char* reason : {"forged", "forged_node", "clear_text"})
        sum += drops(node.name, reason);
    }
    return sum;
  }

  // How many packets for the pod hold the text; its answers, ICMP errors with what they are about,
  // do not count.
  size_t arrived(const SeedPod& pod, const std::string& text) {
    const auto held = packets_with(captures_.at(pod.name)->packets(), text);
    return static_cast<size_t>(std::count_if(held.begin(), held.end(), [&](const auto& packet) {
      const auto to = packet.dst.to_string();
      return to == pod.address || to == pod.ipv6;
    }));
  }
  size_t arrived(const std::string& pod, const std::string& text) {
    const auto* found = std::find_if(kSeedPods.begin(), kSeedPods.end(),
                                     [&](const SeedPod& each) { return each.name == pod; });
    return arrived(*found, text);
  }
  // The pods that it came to.
  std::string where(const std::string& text) {
    std::string places;
    for (const SeedPod& pod : kSeedPods) {
      if (arrived(pod, text) > 0) places += std::string(pod.name) + " ";
    }
    return places;
  }

  pellicle::Packet addressed_to_node(pellicle::Packet packet) {
    packet.to = mac_bytes(docker_mac(lab.network().node("worker").address));
    return packet;
  }

  Lab lab{{.nodes = dual_stack_nodes(), .agent_config = kMasquerading + kHostEncryption}};

 private:
  // Each node has heard from both others, in each family, that they encrypt all there is.
  bool all_drop_clear_text() {
    const auto& nodes = lab.network().nodes();
    return std::all_of(nodes.begin(), nodes.end(), [&](const NodeSpec& node) {
      const auto peers = lab.agent(node.name).ask("status")["peers"];
      return peers.size() == 4 && std::all_of(peers.begin(), peers.end(), [](const auto& peer) {
               return peer["encrypts"] == "pods nodes";
             });
    });
  }
  std::map<std::string, Capture*> captures_;
};

// `pellicle monitor` of what a node drops, until this ends.
class Monitor {
 public:
  Monitor(Lab& lab, const std::string& node)
      : log_(lab.log_dir() + "/monitor-" + node + ".log"),
        process_({program("pellicle"), "--socket", lab.agent(node).socket(), "monitor",
                  "--bpf-root", lab.agent(node).bpf_root(), "--type", "dropped"},
                 log_, node) {
    if (!wait_until([&] { return text().find("listening") != std::string::npos; }))
      throw LabError("pellicle monitor: " + text());
  }
  bool shows(const std::string& words) {
    return wait_until([&] { return text().find(words) != std::string::npos; });
  }
  std::string text() const { return file_text(log_); }

 private:
  std::string log_;
  Process process_;
};

// What the pod `net` sends by its own device, which is its gateway's other end.
class Pod {
 public:
  explicit Pod(Names& names) : device_("net", "eth0") {
    for (const auto& each : names.lab.agent("worker").ask("pod-list"))
      if (each["name"] == "net") lxc_ = each["device"].get<std::string>();
    to_ = mac_bytes(names.lab.mac_of("worker", lxc_));
    from_ = mac_bytes(names.lab.mac_of("net", "eth0"));
  }
  void send(pellicle::Packet packet) const {
    packet.to = to_;
    packet.from = from_;
    device_.send(frame(packet));
  }
  const std::string& lxc() const { return lxc_; }

 private:
  RawDevice device_;
  std::string lxc_;
  MacBytes to_{}, from_{};
};

void pod_speaks_in_others_names(Names& names) {
  const Pod pod(names);
  Monitor monitor(names.lab, "worker");
  const uint64_t before = names.drops("worker", "forged");
  uint64_t sent = 0;
  for (const Target& name : kNames) {
    for (const Target& to : kTargets) {
      for (const uint8_t protocol : {uint8_t{IPPROTO_UDP}, kEsp, uint8_t{51}}) {
        pod.send(with_text(name.v4, to.v4, "forged by a pod", protocol));
        pod.send(with_text(name.v6, to.v6, "forged by a pod", protocol));
        sent += 2;
      }
    }
  }
  // In its own name all of it arrives, ESP as well: behind the last forged one.
  for (const Target* to : {&kTargets[0], &kTargets[1]}) {
    pod.send(with_text("10.0.1.52", to->v4, "in its own name", kEsp));
    pod.send(with_text("fd00:10:1::34", to->v6, "in its own name"));
  }
  for (const char* other : {"cni-s22px", "cni-fcnh6"}) {
    CAPTURE(other);
    CHECK(wait_until([&] { return names.arrived(other, "in its own name") == 2; }));
  }
  CHECK(names.where("forged by a pod") == "");
  CHECK(names.drops("worker", "forged") == before + sent);
  CHECK(packets_with(names.lab.network().wire(), "forged by a pod").empty());
  CHECK(monitor.shows("10.0.1.103"));
  CHECK(monitor.shows("forged"));
}

void host_on_the_wire_speaks_in_others_names(Names& names) {
  const RawDevice wire(kOutside, "kind");
  const auto send = [&](const char* source, const char* to, const std::string& text) {
    wire.send(frame(names.addressed_to_node(with_text(source, to, text))));
  };
  const uint64_t before = names.drops("worker", "clear_text");
  uint64_t sent = 0;
  for (const auto& [source, to] : {std::pair("10.0.0.249", "10.0.1.52"),
                                   {"10.0.2.77", "10.0.1.52"},
                                   {"10.0.1.103", "10.0.1.52"},  // its own node's pod
                                   {"172.18.0.4", "10.0.1.52"},
                                   {"10.0.0.249", "172.18.0.3"},
                                   {"fd00:10::f9", "fd00:10:1::34"},
                                   {"fd00:172::4", "fd00:10:1::34"},
                                   {"fd00:10::f9", "fd00:172::3"}}) {
    send(source, to, "forged on the wire");
    ++sent;
  }
  send("172.18.0.1", "10.0.1.52", "from the world");  // as a router's ICMP, or a client
  CHECK(wait_until([&] { return names.arrived("net", "from the world") == 1; }));
  CHECK(wait_until([&] { return names.drops("worker", "clear_text") == before + sent; }));
  CHECK(names.where("forged on the wire") == "");
  CHECK_THAT(names.worker_says("Node worker2 clear text since"),
             Contains("packets with its addresses arrive in the clear and are dropped"));
}

void stolen_node_speaks_in_others_names(Names& names) {
  const uint64_t before = names.drops("worker", "forged_node");
  for (const char* source : {"10.0.2.77", "172.18.0.2", "10.0.1.103"})
    send_from_node("worker2", with_text(source, "10.0.1.52", "forged by a node"));
  send_from_node("worker2", with_text("172.18.0.4", "10.0.1.52", "by the node itself"));
  send_from_node("worker2", with_text("10.0.0.249", "10.0.1.52", "by the node itself"));
  CHECK(wait_until([&] { return names.arrived("net", "by the node itself") == 2; }));
  CHECK(wait_until([&] { return names.drops("worker", "forged_node") == before + 3; }));
  CHECK(names.where("forged by a node") == "");
  CHECK_THAT(names.worker_says("Node worker2 forgery since"),
             Contains("sends packets with addresses of Node control-plane inside its ESP"));
  const auto metrics = sh_in("worker", "curl --silent http://127.0.0.1:9879/metrics").output;
  CHECK_THAT(metrics, Contains("pellicle_forged_packets_total{kind=\"in_esp\",sender="
                               "\"worker2\",owner=\"control-plane\"} 2"));
}

// Hairpins, NodePorts from outside and of a pod, hostNetwork, ICMP of nodes on the way, a pod's own
// link-local address.
void odd_traffic_passes(Names& names) {
  auto& lab = names.lab;
  const uint64_t before = names.refused();
  for (int i = 0; i < 8; ++i)  // the back ends are cni-s22px, itself, and cni-fcnh6
    CHECK(lab.http_get("cni-s22px", std::string("http://") + kServiceAddress + "/").ok());
  for (const NodeSpec& node : lab.network().nodes()) {
    CAPTURE(node.name);
    const auto address = node.address.to_string();
    for (const std::string& from : {kOutside, std::string("net"), std::string("cni-fcnh6")}) {
      CAPTURE(from);
      for (int i = 0; i < 3; ++i) CHECK(lab.http_get(from, http_url(address, kNodePort)).ok());
    }
    CHECK(lab.http_get("net", http_url(address, kHostNetworkPort)).ok());
    CHECK(lab.ping("net", address).ok());
  }
  CHECK_THAT(sh_in("net", "ping -c 1 -W 2 -t 1 10.0.0.249").output, Contains("exceeded"));
  CHECK_THAT(sh_in("net", "ping -c 1 -W 2 -t 2 10.0.0.249").output, Contains("exceeded"));
  CHECK(lab.ping("net", "fd00:10::f9").ok());
  const auto link_local = must_in("worker", "ip -6 -o address show dev " + Pod(names).lxc() +
                                                " scope link | sed 's/.*inet6 //; s,/.*,,'");
  CHECK(lab.ping("net", link_local.substr(0, link_local.find('\n')) + "%eth0").ok());
  CHECK(names.refused() == before);
}

}  // namespace

TEST_CASE("each speaks in its own name: a pod, a host on the wire, a stolen node") {
  Names names;
  odd_traffic_passes(names);
  pod_speaks_in_others_names(names);
  host_on_the_wire_speaks_in_others_names(names);
  stolen_node_speaks_in_others_names(names);
  CHECK(names.lab.cleartext().size() == 3);  // what was sent by hand, between pods of two nodes
}

TEST_CASE("clear text is dropped once its node has said that it encrypts, or observed") {
  Lab lab({.agent_config = "strict-ingress = \"observe\"\n"});
  const auto say = [&](const api::Json& word) {
    lab.api().patch(api::node_key("worker2"),
                    {{"metadata", {{"annotations", {{"pellicle.io/encrypts", word}}}}}});
  };
  lab.start_agent("worker");
  lab.add_pod("worker", "net", "10.0.1.52");
  auto& capture = lab.capture("net", "eth0");
  const RawDevice wire(kOutside, "kind");
  size_t sent = 0;
  const auto comes_in = [&] {
    const auto text = "in the clear " + std::to_string(++sent);
    auto packet = with_text("10.0.0.249", "10.0.1.52", text);
    packet.to = mac_bytes(docker_mac(lab.network().node("worker").address));
    wire.send(frame(packet));
    auto marker = with_text("172.18.0.1", "10.0.1.52", "behind it " + std::to_string(sent));
    marker.to = packet.to;
    wire.send(frame(marker));
    REQUIRE(wait_until([&] {
      return !packets_with(capture.packets(), "behind it " + std::to_string(sent)).empty();
    }));
    return !packets_with(capture.packets(), text).empty();
  };
  const auto heard = [&](const char* word) {
    return wait_until([&] {
      const auto peers = lab.agent("worker").ask("status")["peers"];
      return std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
        return peer["name"] == "worker2" && peer["encrypts"] == word;
      });
    });
  };
  CHECK(comes_in());  // an agent of before says nothing
  CHECK(lab.agent("worker").ask("status")["forgeries"].empty());
  say("pods");
  REQUIRE(heard("pods"));
  CHECK(comes_in());
  const auto forgeries = lab.agent("worker").ask("status")["forgeries"];
  REQUIRE(forgeries.size() == 1);
  CHECK(forgeries[0]["kind"] == "clear_observed");
  CHECK(forgeries[0]["owner"] == "worker2");
  CHECK(lab.agent("worker").ask("status")["drops"]["clear_text"]["packets"] == 0);

  lab.agent("worker").stop();
  lab.agent("worker").start();
  REQUIRE(lab.agent("worker").wait_ready());
  CHECK_FALSE(comes_in());
  CHECK(lab.agent("worker").ask("status")["drops"]["clear_text"]["packets"] == 1);

  // The same without an agent and without a program: by the kernel's own policy.
  lab.agent("worker").stop();
  must_in("worker", "tc filter del dev eth0 ingress");
  CHECK_FALSE(comes_in());
  CHECK_THAT(must_in("worker", "grep XfrmInTmplMismatch /proc/net/xfrm_stat"), Contains("\t1\n"));
  lab.start_agent("worker");

  say(nullptr);
  REQUIRE(heard(""));
  CHECK(comes_in());
}

}  // namespace this_file
