// What a node tells its peers of keys, after a pass.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// What a pass came to.
struct PassResult {
  const Inputs& inputs;
  const Cluster& cluster;
  const KernelState& desired;
  const std::vector<Refusal>& refusals;
};

// The newest key once everything is there to receive with it from every peer; until then the one
// announced before.
std::optional<uint8_t> announced_key(const PassResult& pass);

// Of peers that go from one epoch to another: the SPIs of those newest ones that are received here
// with every key.
std::set<uint32_t> received_epochs(const PassResult& pass);

// False while this node has only just announced what it will send with, and so sends nothing.
bool may_send(const Inputs& inputs, const Cluster& cluster);

}  // namespace pellicle
