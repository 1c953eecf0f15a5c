// Nodes, each with its own kernel, that rotate keys, restart, reboot, lose their states and send to
// one another. A model records every key and counter that was used.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/node_core.h"
#include "tests/harness/random_cluster.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle {

// The API server's content.
struct Api {
  std::map<std::string, Node> nodes;
  std::optional<IpsecKey> key;
  bool away = false;
};

// One node. Its kernel outlives its agent; its directory outlives its kernel's states.
struct HistoryNode {
  std::string name;
  Node object;  // as kubelet created it
  std::string boot_id;
  MemoryKernel kernel;
  std::unique_ptr<TemporaryDirectory> directory;
  bool marked_policies = false;  // the setting; former versions of the agent had only this form

  std::unique_ptr<NodeCore> agent;  // null while it does not run
  const Inputs& inputs() const { return agent->core.last().inputs; }
};

class History {
 public:
  History(Random& random, size_t nodes);

  // One random event, or only time that passes.
  void happen();
  // A packet from every node to every other. Fails the test if one cannot be decrypted, or repeats
  // a key and sequence number.
  void send_everywhere();
  // Runs until nothing changes any more.
  void settle();

  void new_key();
  void restart(HistoryNode& node);
  void change_version(HistoryNode& node);  // a restart with the other form of policies
  void reboot(HistoryNode& node);
  void reinstall(HistoryNode& node);  // cleanup, and a new start in the same boot
  void flush(HistoryNode& node, size_t percent);
  void leave_and_return(HistoryNode& node);  // deletes its Node and creates it again
  void remove_node(const HistoryNode& node) { api_.nodes.erase(node.name); }
  void add_node(const HistoryNode& node) { api_.nodes[node.name] = node.object; }
  void hear_and_pass(HistoryNode& node);

  std::vector<HistoryNode>& nodes() { return nodes_; }
  const std::optional<IpsecKey>& key() const { return api_.key; }
  size_t sent() const { return used_.size(); }
  size_t dropped() const { return dropped_; }
  size_t announced() const { return announced_; }  // changes of Nodes by their agents
  // The key ids of the states in all kernels.
  std::set<uint8_t> key_ids() const;

 private:
  struct Counter {
    Algorithm algorithm;
    uint64_t sent = 0;
  };
  using StateOf = std::pair<std::string, State::Key>;

  void start(HistoryNode& node);
  void pass(HistoryNode& node);
  bool step(HistoryNode& node);  // true: the pass needs another one
  void publish(HistoryNode& node);
  void follow_counters(const HistoryNode& node, const KernelState& state);
  void send(HistoryNode& from, HistoryNode& to);
  void wipe(HistoryNode& node);
  void forget_life(const HistoryNode& node);
  void advance(std::chrono::milliseconds time);
  bool any_inherited() const;
  bool excused(const HistoryNode& from, const HistoryNode& to) const;

  Random& random_;
  Api api_;
  std::vector<HistoryNode> nodes_;
  KeyUse::Time now_{std::chrono::seconds(1000)};
  uint64_t since_boot_ = 5000;
  size_t announced_ = 0;
  uint8_t next_fill_ = 1;
  std::vector<IpsecKey> past_keys_;
  std::map<StateOf, Counter> counters_;
  std::set<std::pair<uint64_t, uint64_t>> used_;           // key's fingerprint, sequence number
  std::set<std::string> damaged_;                          // lost receiving states, no pass since
  std::set<std::string> unannounced_;                      // began anew, announced nothing since
  std::set<std::pair<std::string, std::string>> unheard_;  // sender, and the node that began anew
  size_t dropped_ = 0;
  int boots_ = 0;
};

}  // namespace pellicle
