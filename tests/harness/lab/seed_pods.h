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

  // What its web server answers.
  std::string page() const {
    return std::string("PodName: ") + name + " | PodIP: eth0 " + address + "/32\n";
  }
};

inline constexpr std::array kSeedPods = {
    SeedPod{"worker", "net", "10.0.1.52"}, SeedPod{"worker", "cni-s22px", "10.0.1.103"},
    SeedPod{"worker2", "cni-fcnh6", "10.0.0.249"}, SeedPod{"control-plane", "cni-cp", "10.0.2.77"}};

// All of them, each with a web server.
inline void add_seed_pods(Lab& lab) {
  for (const SeedPod& pod : kSeedPods) {
    lab.add_pod(pod.node, pod.name, pod.address);
    lab.serve_http(pod.name);
  }
}

}  // namespace pellicle::lab
