// How the change of one other Node changes the desired state, computed without the rest of the
// cluster: the cost does not depend on the number of peers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// This node and that peer alone: the desired state before and after the change.
struct PeerChange {
  std::string name;
  std::optional<Node> node;  // the current Node; nullopt: it was deleted
  Desired before;
  Desired after;
  // Other nodes wait for what this node announces after the change: an epoch, or a key during a
  // rotation.
  bool urgent = false;
};

// `last` is the last pass's inputs without `programmed`; `desired` is compute()'s result for them,
// as the kernel holds it. Returns nullopt if more than this peer's own objects would change, or if
// the peer claims what another Node holds: recompute everything then. Not covered either: a deleted
// Node that makes room for others' claims (`disputed`), and the SPIs that this node announces.
std::optional<PeerChange> peer_change(const Inputs& last, const Desired& desired,
                                      const std::string& name, const std::optional<Node>& now);

// Applies the change to both, once the kernel has it.
void take_over(const PeerChange& change, Inputs& last, Desired& desired);

}  // namespace pellicle
