// The difference between two kernel states, in the order in which it can be applied.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/model/kernel_state.h"

namespace pellicle {

enum class Action : uint8_t { add, replace, remove };

template <class Kind>
struct Change {
  Action action = Action::add;
  typename Kind::Key key;
  Kind value;  // the wanted value; for a removal the actual value
  bool operator==(const Change&) const = default;
};

using Operation =
    std::variant<Change<Policy>, Change<VethPair>, Change<Address>, Change<Sysctl>, Change<State>,
                 Change<DatapathConfig>, Change<PeerEntry>, Change<EndpointEntry>,
                 Change<PodSource>, Change<AddressOwner>, Change<NetfilterChain>,
                 Change<Attachment>, Change<Route>, Change<LocalRule>, Change<Rule>>;

// Adds and replacements in creation order, then removals in reverse order: make before break.
using Plan = std::vector<Operation>;

Plan plan(const KernelState& desired, const KernelState& actual);

// "add route 10.0.0.0/24 via 172.18.0.4 dev eth0": one line for a log, `pellicle diff` and an
// error.
std::string describe(const Operation& operation);
Action action(const Operation& operation);

}  // namespace pellicle
