// The next key of a cluster: its id, bytes and line in the Secret, and which nodes lack it. Pure
// except for the kernel's random numbers.
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

// Names for people: "aes-gcm-128", "aes-cbc-256-hmac-sha512"; without weak algorithms.
std::vector<std::string> algorithm_names();

// The Secret's line, from which decode_keys() makes the same key. Wipe it after sending.
std::string key_line(const IpsecKey& key);

// Names of the nodes that announce themselves, but not this key. Nodes on which no agent ever ran
// are left out.
std::vector<std::string> nodes_without_key(const std::map<std::string, Node>& nodes, uint8_t id);

struct RotationWishes {
  std::optional<bool> per_pair;          // nullopt: as the previous key; first key: true
  std::optional<std::string> algorithm;  // nullopt: as the previous key; first key: aes-gcm-256
  std::optional<uint32_t>
      icv_bits;                 // of AES-GCM: 96 or 128; nullopt: as the previous one, else 128
  bool create = false;          // create the Secret; needless when it exists
  bool force = false;           // rotate although an earlier rotation is not finished
  std::optional<uint8_t> only;  // rotate only this id; needless when the Secret has another
};

// As in Cilium's documentation. When Nodes already announce key ids, the next one is used instead.
inline constexpr uint8_t kFirstKeyId = 3;

struct RotationRefused {
  std::string sentence;  // one, with the remedy
};
// The Secret already is as wished.
struct RotationNeedless {
  std::string sentence;
};
struct NextKey {
  std::optional<IpsecKey> before;  // nullopt: this is the first key
  IpsecKey key;
};
using RotationPlan = std::variant<NextKey, RotationRefused, RotationNeedless>;

// `secret`: the current Secret; nullopt: it does not exist. `create` leaves an existing Secret
// unchanged, so that an installation can be repeated.
RotationPlan plan_rotation(const std::optional<ApiObject>& secret,
                           const std::map<std::string, Node>& nodes, const RotationWishes& wishes,
                           const RandomKey& random = random_key);

}  // namespace pellicle
