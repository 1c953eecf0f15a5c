// The seed's pods, and one on the third node.
#pragma once

#include <array>
#include <string>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab {

struct SeedPod {
  const char* node;
  const char* name;
  const char* address;
  const char* ipv6;

  // What its web server answers.
  std::string page() const {
    return std::string("PodName: ") + name + " | PodIP: eth0 " + address + "/32\n";
  }
};

inline constexpr std::array kSeedPods = {
    SeedPod{"worker", "net", "10.0.1.52", "fd00:10:1::34"},
    SeedPod{"worker", "cni-s22px", "10.0.1.103", "fd00:10:1::67"},
    SeedPod{"worker2", "cni-fcnh6", "10.0.0.249", "fd00:10::f9"},
    SeedPod{"control-plane", "cni-cp", "10.0.2.77", "fd00:10:2::4d"}};

// Adds all of them, each with a web server and an address in each family that its node has.
inline void add_seed_pods(Lab& lab) {
  for (const SeedPod& pod : kSeedPods) {
    const NodeSpec& node = lab.network().node(pod.node);
    std::vector<std::string> addresses;
    if (node.ipv4) addresses.push_back(pod.address);
    if (node.ipv6) addresses.push_back(pod.ipv6);
    lab.add_pod(pod.node, pod.name, addresses);
    lab.serve_http(pod.name);
  }
}

}  // namespace pellicle::lab
