#include "agent/health/causes.h"

#include <algorithm>
#include <optional>

#include "agent/desired/next_hops.h"

namespace pellicle {

namespace {

// The one destination that an operation concerns; nullopt: all traffic of this node.
struct DestinationOf {
  std::optional<Cidr> operator()(const Change<Route>& change) const { return change.key.dst; }
  std::optional<Cidr> operator()(const Change<PeerEntry>& change) const { return change.key.cidr; }
  std::optional<Cidr> operator()(const Change<Policy>& change) const { return change.key.dst; }
  std::optional<Cidr> operator()(const Change<State>& change) const {
    return Cidr::host(change.key.dst);
  }
  template <class Kind>
  std::optional<Cidr> operator()(const Change<Kind>&) const {
    return std::nullopt;
  }
};

// True for an operation that concerns one pod, or a network that is no current peer's.
bool is_of_one_pod_or_network(const Operation& operation) {
  if (const auto* attachment = std::get_if<Change<Attachment>>(&operation)) {
    return attachment->value.is_of_pod();
  }
  return std::holds_alternative<Change<EndpointEntry>>(operation) ||
         std::holds_alternative<Change<PodSource>>(operation) ||
         std::holds_alternative<Change<AddressOwner>>(operation) ||
         std::holds_alternative<Change<PeerEntry>>(operation);
}

std::map<Cidr, std::string> by_network(const std::vector<Peer>& peers) {
  std::map<Cidr, std::string> names;
  for (const auto& peer : peers) {
    names.emplace(peer.pod_cidr, peer.name);
    names.emplace(Cidr::host(peer.router), peer.name);
    names.emplace(Cidr::host(peer.internal_ip), peer.name);
  }
  return names;
}

void note_refusals(const OwnTrouble& trouble, OwnCauses& causes) {
  if (trouble.refusals.empty()) return;
  const auto names = by_network(trouble.cluster.peers);
  for (const auto& refusal : trouble.refusals) {
    if (action(refusal.operation) == Action::remove) continue;
    const auto destination = std::visit(DestinationOf{}, refusal.operation);
    const auto name = destination ? names.find(*destination) : names.end();
    const auto words =
        "the kernel refuses to " + describe(refusal.operation) + " (" + refusal.sentence + ")";
    if (name != names.end()) {
      causes.towards.emplace(std::pair(name->second, destination->family()), words);
    } else if (causes.here.empty() && !is_of_one_pod_or_network(refusal.operation)) {
      causes.here = words;
    }
  }
}

// True for problems of this node itself. Problems of other nodes, pods and files explain nothing.
bool explains(const OwnTrouble& trouble, const Problem& problem) {
  const auto& object = problem.object;
  if (object.starts_with("Secret ")) return !trouble.key_taken;
  const auto& self = trouble.cluster.self;
  return object.starts_with("Kernel") || object == "Configuration" || object == "Firewall" ||
         (self && object == "Node " + self->name);
}

}  // namespace

OwnCauses own_causes(const OwnTrouble& trouble) {
  OwnCauses causes;
  if (!trouble.failure.empty()) causes.here = "no pass succeeds (" + trouble.failure + ")";
  note_refusals(trouble, causes);
  for (const auto& peer : trouble.cluster.peers) {
    const std::pair at(peer.name, peer.router.family());
    if (const auto wrong = hop_problem(peer)) causes.towards[at] = *wrong;
    if (const auto expected = expected_of_network(peer)) causes.network[at] = *expected;
  }
  for (const auto& problem : trouble.problems) {
    if (!causes.here.empty()) break;
    if (explains(trouble, problem)) causes.here = problem.to_string();
  }
  return causes;
}

}  // namespace pellicle
