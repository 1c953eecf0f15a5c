// What this node knows of itself that explains why another is not reached. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// In sentences.
struct OwnCauses {
  using ByNode = std::map<std::pair<std::string, Family>, std::string>;
  std::string here;  // towards every node; empty: none is known
  ByNode towards;    // of one node alone
  ByNode network;    // what the gateway must do that packets to the node's pods go through
};

// What the last pass came to, and what is wrong with this node.
struct OwnTrouble {
  const Cluster& cluster;
  const std::vector<Refusal>& refusals;
  std::string failure;            // of the whole pass
  std::vector<Problem> problems;  // without those of health itself
  bool key_taken = true;          // then what is said of the Secret is advice
};
OwnCauses own_causes(const OwnTrouble& trouble);

}  // namespace pellicle
