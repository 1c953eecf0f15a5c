// When the cluster gets another key without anybody asking for it. Pure: no I/O and no clock.
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
  std::chrono::seconds every{0};  // 0: not by age
  unsigned at_sequence = 0;       // percent of a state's sequence numbers; 0: not by their use
  bool on() const { return every.count() > 0 || at_sequence > 0; }
};

// What Nodes say, as far as keys go.
struct KeyNodes {
  std::map<std::string, Node> nodes;
  std::map<std::string, SequenceUse> used;
};

// Nothing is to be done, or nothing can be. `since` is no value where there is no key.
struct KeyStands {
  std::optional<KeySince> since;
  std::string
      trouble;  // a sentence: a rotation is due and cannot be, or there is no key; else empty
};
// Nobody has written down since when this key is there: it counts from now.
struct KeyUndated {
  KeySince since;
};
struct KeyDue {
  uint8_t id = 0;      // of the key to be replaced
  std::string reason;  // "it is 31 days old"
};
using KeyVerdict = std::variant<KeyStands, KeyUndated, KeyDue>;

// `secret` is the Secret as it stands, none when there is none. A key is never replaced before
// every node has taken it: so one that is away for good stops the rotation, and is named.
KeyVerdict judge_key(const KeyPolicy& policy, const std::optional<ApiObject>& secret,
                     const KeyNodes& nodes, std::chrono::system_clock::time_point now);

}  // namespace pellicle
