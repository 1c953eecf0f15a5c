// The lab of a soak: three nodes that stay, each with a pod that talks to the others all the time,
// and one that comes and goes.
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

// Its agent is never restarted, so that what it loses with time shows.
inline constexpr const char* kWitness = "control-plane";
inline constexpr const char* kGuest = "worker3";  // the node that comes and goes

struct Cluster {
  explicit Cluster(uint64_t seed);

  std::mt19937_64 random;
  Ledger ledger;
  Tap tap;  // before there is a cable
  lab::Lab lab;
  Traffic traffic;
  std::map<std::string, Place> pods;                // by node: those that stay
  std::map<std::string, lab::CniRuntime> runtimes;  // by node
  std::vector<std::string> nodes;  // that are there: those that stay, and the guest
  int key_id = 3;
  bool per_pair = true;  // the key, as it is in a lab

  // Smaller than `end`, all equally often.
  size_t any(size_t end) { return random() % end; }
  bool one_in(size_t times) { return any(times) == 0; }
  // Sleeps for up to so long.
  void pause(lab::Seconds longest);
  // One of the nodes that stay; of them, one whose agent may be restarted.
  const std::string& any_node() { return nodes[any(3)]; }
  const std::string& any_restartable() { return nodes[any(2)]; }

  // `status` of an agent; an empty object when it does not answer.
  nlohmann::ordered_json status(const std::string& node);
  // The agent is ready, hears the API, and has nothing to do or to complain about.
  bool settled(const std::string& node);
  bool sends_with(const std::string& node, int id);  // to every peer
  bool holds_only(const std::string& node, int id);
  // How `viewer` sees the node: its PodCIDR when it is encrypted to, otherwise empty.
  std::string seen_pod_cidr(const std::string& viewer, const std::string& node);

  // A finding unless it holds for every node within `limit`: "worker: <sentence>".
  void expect_everywhere(const std::string& sentence,
                         const std::function<bool(const std::string& node)>& holds,
                         lab::Seconds limit = kPatience);
  // A finding unless all streams, and those of this node if one is named, carry packets.
  void expect_traffic(const std::string& node = "");

  // Ends an agent, SIGTERM or SIGKILL by chance; the way, in words. Then start(), or start_again(),
  // which waits until it is ready.
  std::string end_agent(const std::string& node);
  void start(const std::string& node);
  void start_again(const std::string& node);
};

}  // namespace pellicle::soak
