// What a node announces about its keys after a pass.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// The result of a pass.
struct PassResult {
  const Inputs& inputs;
  const Cluster& cluster;
  const KernelState& desired;
  const std::vector<Refusal>& refusals;
};

// The newest key, once the kernel has everything to receive with it from every peer; until then the
// key announced before.
std::optional<uint8_t> announced_key(const PassResult& pass);

// For peers that move to another epoch: the SPIs of their newest epochs for which this node has
// receiving states with every key.
std::set<uint32_t> received_epochs(const PassResult& pass);

// False while this node has only just announced its epoch, and therefore sends nothing.
bool may_send(const Inputs& inputs, const Cluster& cluster);

}  // namespace pellicle
