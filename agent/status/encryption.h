// JSON for `pellicle encrypt status`: Pellicle's ESP states as the kernel has them, joined with
// their peers. The field names are an interface: only add fields. The JSON contains no key bytes.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/model/observed_state.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

struct EncryptionFacts {
  std::vector<ObservedState> states;
  std::vector<std::string> interfaces;        // devices that decrypt packets
  std::map<std::string, uint64_t> errors;     // counters of /proc/net/xfrm_stat by name
  std::vector<Peer> peers;                    // empty when no agent runs
  std::optional<std::set<State::Key>> stale;  // see stale_states(); nullopt: unknown
  std::chrono::system_clock::time_point now{};
};

// The devices on which ESP for this node is decrypted: those of the local routes in table 200.
std::vector<std::string> decryption_interfaces(const KernelState& actual);

// True for states that encrypt packets that this node sends.
bool is_sending(const State::Key& key);

// The key id of a state. A sending state with an encryption mark has it in that mark. All others
// have it in the lowest four bits of their SPI, which is the key id itself or made from it.
uint8_t key_id(const State::Key& key);

// Name of the state's peer. Empty: the state serves all peers, or no peer has its address.
std::string peer_name(const std::vector<Peer>& peers, const ObservedState& state);

// Counts keys as Cilium does: by different key material. A kernel that withholds key bytes dumps
// zeros instead of them; then SPIs distinguish keys.
size_t keys_in_use(const std::vector<ObservedState>& states);

// The states that are not in `desired`. While the desired state is not completely known (`desired`
// is nullopt): the states for an address that belongs to no Node.
std::set<State::Key> stale_states(const std::vector<ObservedState>& states,
                                  const std::optional<Table<State>>& desired,
                                  const std::map<std::string, Node>& nodes);

nlohmann::ordered_json encryption_json(const EncryptionFacts& facts);

// The states that a flush request names: {"states": [...]} with dst, spi and mark as in
// encryption_json(). Throws json exceptions and std::invalid_argument.
std::set<State::Key> named_states(const nlohmann::json& params);

// Plan that removes the named states that are Pellicle's (in `actual`), and nothing else.
Plan removal_of(const std::set<State::Key>& named, const KernelState& actual);

// Result of a removal: {"removed": [one line each], "failures": [one sentence each]}.
nlohmann::ordered_json flush_json(const Plan& removal, const std::vector<Refusal>& refusals);

}  // namespace pellicle
