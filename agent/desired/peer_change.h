// What the change of one other Node makes of the desired state, reckoned without the rest of the
// cluster: among thousands of peers it costs what it costs among two.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// This node and that peer alone: what is desired of them before and after.
struct PeerChange {
  std::string name;
  std::optional<Node> node;  // as it is now; none: it was deleted
  Desired before;
  Desired after;
  // Others wait for what this node says of it: an epoch, or a key that is being changed.
  bool urgent = false;
};

// `last`, without its `programmed`, and what compute() made of it, which the kernel holds. No value
// where more than this peer's own objects would change, or something that it claims is another's:
// then all of it must be computed again. What is left out besides: that a Node which goes leaves
// room for what others claimed (`disputed`), and which SPIs this node announces.
std::optional<PeerChange> peer_change(const Inputs& last, const Desired& desired,
                                      const std::string& name, const std::optional<Node>& now);

// Writes the change into both, once the kernel has it.
void take_over(const PeerChange& change, Inputs& last, Desired& desired);

}  // namespace pellicle
