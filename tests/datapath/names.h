// A cluster for spoofing tests: its pods, the seed's Service, and what arrived where. Both
// families; either form of the key, host encryption on or off.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "tests/datapath/raw_frames.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

namespace pellicle::lab {

struct NamesForm {
  bool one_key = false;  // for all nodes: the seed's
  bool host_encryption = false;
};

// A sender or receiver of packets, in both families.
struct Name {
  const char* what;
  const char* v4;
  const char* v6;
  const char* in(Family family) const { return family == Family::v4 ? v4 : v6; }
};

// From the view of the pod `net`, 10.0.1.52 on worker.
inline constexpr Name kSelf{"the pod itself", "10.0.1.52", "fd00:10:1::34"};
inline constexpr Name kLocalPod{"a pod of its node", "10.0.1.103", "fd00:10:1::67"};
inline constexpr Name kRemotePod{"a pod of another node", "10.0.0.249", "fd00:10::f9"};
inline constexpr Name kThirdPod{"a pod of a third node", "10.0.2.77", "fd00:10:2::4d"};
inline constexpr Name kService{"a Service", kServiceAddress, kServiceIpv6};
inline constexpr Name kOwnNode{"its node", "172.18.0.3", "fd00:172::3"};
inline constexpr Name kOtherNode{"another node", "172.18.0.4", "fd00:172::4"};
inline constexpr Name kThirdNode{"a third node", "172.18.0.2", "fd00:172::2"};
inline constexpr Name kHostDevice{"cilium_host", "10.0.1.138", "fd00:10:1::8a"};
inline constexpr Name kRouter{"a router", "172.18.0.1", "fd00:172::1"};
inline constexpr Name kWorld{"the world", "8.8.8.8", "2001:db8::8"};
inline constexpr Name kNowhere{"no address", "0.0.0.0", "::"};

class Names {
 public:
  explicit Names(const NamesForm& form)
      : lab({.nodes = dual_stack_nodes(),
             .key_line = form.one_key ? std::string(api::kSeedKeyLine) : pair_key_line(),
             .agent_config = std::string("ipv4-native-routing-cidr = \"10.0.0.0/8\"\n") +
                             "ipv6-native-routing-cidr = \"fd00:10::/32\"\n" +
                             (form.host_encryption ? "host-encryption = true\n" : "")}) {
    install_service(lab.network());
    lab.start_agents();
    add_seed_pods(lab);
    lab.serve_http_on_nodes(kHostNetworkPort);
    const auto* said = form.host_encryption ? "pods nodes" : "pods";
    REQUIRE(wait_until([&] { return all_say(said); }));
    for (const SeedPod& pod : kSeedPods) captures_[pod.name] = &lab.capture(pod.name, "eth0");
  }

  uint64_t drops(const std::string& node, const std::string& reason) {
    return lab.agent(node).ask("status")["drops"][reason]["packets"].get<uint64_t>();
  }
  // All three drop reasons, on all nodes.
  uint64_t refused() {
    uint64_t sum = 0;
    for (const NodeSpec& node : lab.network().nodes()) {
      for (const char* reason : {"forged", "forged_node", "clear_text"})
        sum += drops(node.name, reason);
    }
    return sum;
  }
  // worker's status text, once it contains these words.
  std::string worker_says(const std::string& words) {
    std::string screen;
    wait_until([&] {
      screen = lab.agent("worker").says();
      return screen.find(words) != screen.npos;
    });
    return screen;
  }

  // The number of packets to the pod that contain the text. The pod's answers, such as ICMP errors
  // that quote the packet, do not count.
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
  // The pods that received it.
  std::string where(const std::string& text) {
    std::string places;
    for (const SeedPod& pod : kSeedPods) {
      if (arrived(pod, text) > 0) places += std::string(pod.name) + " ";
    }
    return places;
  }

  Lab lab;

 private:
  // Each node has read it from both others' annotations, in each family.
  bool all_say(const std::string& word) {
    const auto& nodes = lab.network().nodes();
    return std::all_of(nodes.begin(), nodes.end(), [&](const NodeSpec& node) {
      const auto peers = lab.agent(node.name).ask("status")["peers"];
      return peers.size() == 4 && std::all_of(peers.begin(), peers.end(), [&](const auto& peer) {
               return peer["encrypts"] == word;
             });
    });
  }
  std::map<std::string, Capture*> captures_;
};

// `pellicle monitor` for a node's drops, for the lifetime of this object.
class DropMonitor {
 public:
  DropMonitor(Lab& lab, const std::string& node)
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

// Sends raw frames from a pod of worker through its own device, whose other end is the gateway.
class RawPod {
 public:
  RawPod(Lab& lab, const std::string& pod) : device_(pod, "eth0") {
    for (const auto& each : lab.agent("worker").ask("pod-list"))
      if (each["name"] == pod) lxc_ = each["device"].get<std::string>();
    to_ = mac_bytes(lab.mac_of("worker", lxc_));
    from_ = mac_bytes(lab.mac_of(pod, "eth0"));
  }
  void send(pellicle::Packet packet) const {
    packet.to = to_;
    broadcast(std::move(packet));
  }
  // To the destination MAC that the packet has.
  void broadcast(pellicle::Packet packet) const {
    packet.from = from_;
    device_.send(frame(packet));
  }
  const std::string& lxc() const { return lxc_; }

 private:
  RawDevice device_;
  std::string lxc_;
  MacBytes to_{}, from_{};
};

}  // namespace pellicle::lab
