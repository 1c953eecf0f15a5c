// What `pellicle encrypt status` is told: the ESP states of ours as the kernel has them, joined
// with the peers they are for. Facts in, JSON out; the field names are an interface, additions
// only. No key byte leaves.
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
  std::vector<std::string> interfaces;        // where packets are decrypted
  std::map<std::string, uint64_t> errors;     // of /proc/net/xfrm_stat, by name
  std::vector<Peer> peers;                    // empty where no agent tells of them
  std::optional<std::set<State::Key>> stale;  // no value: nobody knows which of them are
  std::chrono::system_clock::time_point now{};
};

// The devices that ESP for this node is decrypted on: those of table 200's local routes.
std::vector<std::string> decryption_interfaces(const KernelState& actual);

// True for the states that packets are sent with.
bool is_sending(const State::Key& key);

// A sending state has it in its mark. A receiving one in the lowest four bits of its SPI, which is
// the key id itself, or made from it.
uint8_t key_id(const State::Key& key);

// Of the peer that a state is for. Empty: one for all peers, or for an address that no peer has.
std::string peer_name(const std::vector<Peer>& peers, const ObservedState& state);

// As Cilium counts them: different key material. A kernel that withholds it has zeros in place of
// every key; SPIs are what is left to tell keys apart by.
size_t keys_in_use(const std::vector<ObservedState>& states);

// The states that nothing desires. While not all of the node is known, and so not all that is
// desired (`desired` without value): those for an address that is no Node's.
std::set<State::Key> stale_states(const std::vector<ObservedState>& states,
                                  const std::optional<Table<State>>& desired,
                                  const std::map<std::string, Node>& nodes);

nlohmann::ordered_json encryption_json(const EncryptionFacts& facts);

// The states that a request to flush names: {"states": [...]} with dst, spi and mark as above.
// Throws json exceptions and std::invalid_argument.
std::set<State::Key> named_states(const nlohmann::json& params);

// Those of ours among them, and nothing else.
Plan removal_of(const std::set<State::Key>& named, const KernelState& actual);

// What became of a removal: {"removed": [one line each], "failures": [one sentence each]}.
nlohmann::ordered_json flush_json(const Plan& removal, const std::vector<Refusal>& refusals);

}  // namespace pellicle
