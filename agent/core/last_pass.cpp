#include "agent/core/last_pass.h"

namespace pellicle {

namespace {

struct Essential {
  bool operator()(const Change<State>& change) const {
    return change.key.mark == kDecryptMark && !change.value.esn;  // receives from all peers
  }
  bool operator()(const Change<Policy>& change) const {
    const bool of_all = change.key.direction != Direction::out && change.key.src.length() == 0;
    return of_all || change.key.mark == kEncryptMark;
  }
  bool operator()(const Change<Attachment>& change) const { return !change.value.is_of_pod(); }
  bool operator()(const Change<Route>& change) const {
    return change.value.type == RouteType::local;
  }
  bool operator()(const Change<PeerEntry>&) const { return false; }
  bool operator()(const Change<EndpointEntry>&) const { return false; }
  bool operator()(const Change<PodSource>&) const { return false; }
  bool operator()(const Change<AddressOwner>&) const { return false; }
  bool operator()(const Change<NetfilterChain>&) const { return false; }
  template <class Kind>
  bool operator()(const Change<Kind>&) const {
    return true;
  }
};

}  // namespace

bool essential(const Operation& operation) {
  return std::visit(Essential{}, operation);
}

std::set<Cidr> held_by(const std::vector<Refusal>& refusals) {
  std::set<Cidr> held;
  for (const auto& refusal : refusals) {
    const auto* change = std::get_if<Change<Policy>>(&refusal.operation);
    const bool added = change != nullptr && change->action == Action::add;
    if (added && change->key.direction == Direction::out) held.insert(change->key.dst);
  }
  return held;
}

}  // namespace pellicle
