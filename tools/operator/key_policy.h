// When the operator replaces the cluster's key without a request. Pure: no I/O and no clock.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "agent/kube/key_records.h"
#include "agent/kube/key_rotation.h"

namespace pellicle {

struct KeyPolicy {
  std::chrono::seconds every{0};  // 0: age does not matter
  unsigned at_sequence = 0;  // percent of a state's sequence numbers; 0: their use does not matter
  bool on() const { return every.count() > 0 || at_sequence > 0; }
};

// Nodes, reduced to what the key policy needs.
struct KeyNodes {
  std::map<std::string, Node> nodes;
  std::map<std::string, SequenceUse> used;
};

// Nothing to do, or nothing possible. `since` is nullopt when there is no key.
struct KeyStands {
  std::optional<KeySince> since;
  std::string
      trouble;  // one sentence: a rotation is due but blocked, or there is no key; else empty
};
// The Secret has no date for its key: the age counts from now.
struct KeyUndated {
  KeySince since;
};
struct KeyDue {
  uint8_t id = 0;      // of the key to replace
  std::string reason;  // "it is 31 days old"
};
using KeyVerdict = std::variant<KeyStands, KeyUndated, KeyDue>;

// `secret`: the current Secret; nullopt: it does not exist. A key is only replaced after every node
// has taken it. A node that is permanently away therefore blocks the rotation, and is named.
KeyVerdict judge_key(const KeyPolicy& policy, const std::optional<ApiObject>& secret,
                     const KeyNodes& nodes, std::chrono::system_clock::time_point now);

}  // namespace pellicle
