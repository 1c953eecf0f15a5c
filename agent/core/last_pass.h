// What the last pass left: what was known, what the kernel must hold, and what it refused.
#pragma once

#include <set>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

struct LastPass {
  Inputs inputs;                  // `programmed` is empty
  Desired desired;                // computed from `inputs`
  std::vector<Refusal> refusals;  // what the kernel refused
  bool complete = false;  // the node itself is known, so `desired` is more than the block policy
  bool settled = false;   // the kernel holds exactly `desired`
  bool ready = false;     // complete, and the kernel took everything that the whole node depends on
};

// True when the whole node lacks encryption if the kernel refuses the operation. False for
// operations that concern one peer or one pod.
bool essential(const Operation& operation);

// Destinations of OUT policies that the kernel refused to add. Packets to them would leave in the
// clear.
std::set<Cidr> held_by(const std::vector<Refusal>& refusals);

}  // namespace pellicle
