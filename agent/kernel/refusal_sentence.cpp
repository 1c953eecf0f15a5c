#include "agent/kernel/refusal_sentence.h"

#include <cerrno>

#include "agent/kernel/esp_support.h"
#include "bpf/datapath.h"

namespace pellicle {

namespace {

// Empty: the error does not mean a full map. A full hash map returns E2BIG, a full trie ENOSPC
// (6.1).
std::string full_map(const Operation& operation, int error) {
  if (error != E2BIG && error != ENOSPC) return "";
  if (std::holds_alternative<Change<EndpointEntry>>(operation)) {
    return "the eBPF map of pods is full, it holds " + std::to_string(datapath::MAX_ENDPOINTS) +
           " of a family; entries that nobody accounts for leave it with the next pass";
  }
  if (std::holds_alternative<Change<PodSource>>(operation)) {
    return "the eBPF map of what pods may send from is full, it holds " +
           std::to_string(datapath::MAX_SOURCES) + " networks";
  }
  if (std::holds_alternative<Change<AddressOwner>>(operation)) {
    return "the eBPF map of whose addresses are is full, it holds " +
           std::to_string(datapath::MAX_OWNERS) + " networks of a family";
  }
  if (std::holds_alternative<Change<PeerEntry>>(operation)) {
    return "the eBPF map of peers is full, it holds " + std::to_string(datapath::MAX_PEERS) +
           " networks of a family";
  }
  return "";
}

// The effect of a missing peer entry. The text is the same for all entries, so that refusals with
// one cause are reported together.
std::string consequence(const Operation& operation, int error) {
  const auto* peer = std::get_if<Change<PeerEntry>>(&operation);
  if (peer == nullptr || peer->action != Action::add) return "";
  if (error != E2BIG && error != ENOSPC && error != ENOMEM) return "";
  return "; until it is there, what pods send to that network is encrypted by the policy alone "
         "(pair keys), or dropped and counted as no_key (one key for all nodes)";
}

std::string cause(const Operation& operation, int error, const std::string& words) {
  if (const auto* state = std::get_if<Change<State>>(&operation)) {
    const auto missing =
        missing_support(state->value.algorithm, state->key.dst.family(), error, words);
    if (missing) return *missing;
  }
  if (const auto full = full_map(operation, error); !full.empty()) return words + ": " + full;
  if (error == EPERM && words.find("CAP_") == words.npos) {
    return words + ": this needs CAP_NET_ADMIN";
  }
  if (std::holds_alternative<Change<Sysctl>>(operation) && (error == EACCES || error == EROFS)) {
    return words + ": this needs a writable /proc/sys, so a privileged container";
  }
  if (error == EEXIST && action(operation) == Action::add) {
    return words + ": something that is not ours stands in its place";
  }
  return words;
}

}  // namespace

std::string refusal_sentence(const Operation& operation, int error, const std::string& words) {
  return cause(operation, error, words) + consequence(operation, error);
}

}  // namespace pellicle
