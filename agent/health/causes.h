// Faults of this node that explain why it does not reach another node. Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// Each value is a sentence.
struct OwnCauses {
  using ByNode = std::map<std::pair<std::string, Family>, std::string>;
  std::string here;  // a cause that concerns every node; empty: none is known
  ByNode towards;    // causes that concern one node
  ByNode network;    // what the gateway to the node's pods must do
};

// The result of the last pass, and the problems of this node.
struct OwnTrouble {
  const Cluster& cluster;
  const std::vector<Refusal>& refusals;
  std::string failure;            // why the pass failed as a whole; empty: it did not
  std::vector<Problem> problems;  // without the health problems
  bool key_taken = true;          // the Secret's key is in use: its problems are advice, no cause
};
OwnCauses own_causes(const OwnTrouble& trouble);

}  // namespace pellicle
