// The next key of a cluster: its id, its bytes, its line in the Secret, and which nodes do not have
// it yet. Pure but for the kernel's random numbers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/kube/decode.h"

namespace pellicle {

uint8_t next_key_id(uint8_t id);  // 15 -> 1

using RandomKey = std::function<SecretBytes(size_t bytes)>;
SecretBytes random_key(size_t bytes);  // getrandom(2); throws std::system_error

// Names for people: "aes-gcm-128", "aes-cbc-256-hmac-sha512"; no weak ones.
std::vector<std::string> algorithm_names();

// The line of the Secret; decode_keys() makes the same key of it. Wipe it when it was sent.
std::string key_line(const IpsecKey& key);

// The nodes that publish themselves but not that they receive with this key, by name. Nodes on
// which no agent ever ran are not among them.
std::vector<std::string> nodes_without_key(const std::map<std::string, Node>& nodes, uint8_t id);

struct RotationWishes {
  std::optional<bool> per_pair;          // none: as the key before it; the first key: true
  std::optional<std::string> algorithm;  // none: as the key before it; the first: aes-gcm-256
  std::optional<uint32_t> icv_bits;      // of AES-GCM: 96 or 128; none: as before it, else 128
  bool create = false;                   // the Secret, which is not there
  bool force = false;                    // though an earlier rotation is still under way
  std::optional<uint8_t> only;  // the key with this id, and needless when it is another's turn
};

// As in Cilium's documentation; where Nodes publish key ids already, the next one.
inline constexpr uint8_t kFirstKeyId = 3;

struct RotationRefused {
  std::string sentence;  // one, with the remedy
};
// What is there already is all that was wished.
struct RotationNeedless {
  std::string sentence;
};
struct NextKey {
  std::optional<IpsecKey> before;  // none: the first one
  IpsecKey key;
};
using RotationPlan = std::variant<NextKey, RotationRefused, RotationNeedless>;

// `secret` is the Secret as it stands, none when there is none. With `create` one that is there is
// left alone, so that an installation may be repeated.
RotationPlan plan_rotation(const std::optional<ApiObject>& secret,
                           const std::map<std::string, Node>& nodes, const RotationWishes& wishes,
                           const RandomKey& random = random_key);

}  // namespace pellicle
