// The soak's lab: three permanent nodes, each with a pod that constantly talks to the others, and a
// guest node that comes and goes.
#pragma once

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"
#include "tests/soak/ledger.h"
#include "tests/soak/tap.h"
#include "tests/soak/traffic.h"

namespace pellicle::soak {

// The soak never restarts this agent, so that its leaks add up.
inline constexpr const char* kWitness = "control-plane";
inline constexpr const char* kGuest = "worker3";  // the node that comes and goes

struct Cluster {
  explicit Cluster(uint64_t seed);

  std::mt19937_64 random;
  Ledger ledger;
  Tap tap;  // before the first cable exists
  lab::Lab lab;
  Traffic traffic;
  std::map<std::string, Place> pods;                // by node: the permanent ones
  std::map<std::string, lab::CniRuntime> runtimes;  // by node
  std::vector<std::string> nodes;  // the permanent nodes, and the guest while it is there
  int key_id = 3;
  bool per_pair = true;  // the key's form; a lab starts with pair keys

  // A uniform random number below `end`.
  size_t any(size_t end) { return random() % end; }
  bool one_in(size_t times) { return any(times) == 0; }
  // Sleeps for a random time up to `longest`.
  void pause(lab::Seconds longest);
  // A permanent node; or a permanent node whose agent may be restarted.
  const std::string& any_node() { return nodes[any(3)]; }
  const std::string& any_restartable() { return nodes[any(2)]; }

  // The answer of an agent to `status`; an empty object if it does not answer.
  nlohmann::ordered_json status(const std::string& node);
  // The agent is ready, its API sources are healthy, and it has nothing to do or report.
  bool settled(const std::string& node);
  bool sends_with(const std::string& node, int id);  // to every peer
  bool holds_only(const std::string& node, int id);
  // The PodCIDR to which `viewer` encrypts for `node`; empty if it does not.
  std::string seen_pod_cidr(const std::string& viewer, const std::string& node);

  // Adds a finding for each node without the condition within `limit`: "worker: <sentence>".
  void expect_everywhere(const std::string& sentence,
                         const std::function<bool(const std::string& node)>& holds,
                         lab::Seconds limit = kPatience);
  // Adds a finding unless all streams (`node` empty) or this node's streams carry packets.
  void expect_traffic(const std::string& node = "");

  // Ends an agent with SIGTERM or SIGKILL at random; returns which, as text. Afterwards call
  // start(), or start_again(), which waits until the agent is ready.
  std::string end_agent(const std::string& node);
  void start(const std::string& node);
  void start_again(const std::string& node);
};

}  // namespace pellicle::soak
