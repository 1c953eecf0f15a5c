#include "agent/kube/key_rotation.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace pellicle {

namespace {

constexpr size_t kSalt = 4;
constexpr const char* kGcm = "rfc4106(gcm(aes))";
constexpr uint32_t kUsualIcvBits = 128;

// Key lengths in bytes. An authentication key is as long as its digest: a longer one adds no
// strength (RFC 4868, section 2.1.1).
struct Shape {
  const char* name;
  const char* auth;  // null: AES-GCM
  size_t auth_bytes;
  size_t cipher_bytes;
};
constexpr std::array kShapes = {
    Shape{"aes-gcm-128", nullptr, 0, 16},
    Shape{"aes-gcm-192", nullptr, 0, 24},
    Shape{"aes-gcm-256", nullptr, 0, 32},
    Shape{"aes-cbc-128-hmac-sha256", "hmac(sha256)", 32, 16},
    Shape{"aes-cbc-256-hmac-sha256", "hmac(sha256)", 32, 32},
    Shape{"aes-cbc-256-hmac-sha384", "hmac(sha384)", 48, 32},
    Shape{"aes-cbc-256-hmac-sha512", "hmac(sha512)", 64, 32},
};

// For the first key; each later one is like the previous key.
constexpr const char* kFirstAlgorithm = "aes-gcm-256";

Algorithm fresh(const Shape& shape, uint32_t icv_bits, const RandomKey& random) {
  if (!shape.auth) {
    return Aead{.name = kGcm, .key = random(shape.cipher_bytes + kSalt), .icv_bits = icv_bits};
  }
  return AuthEnc{.auth_name = shape.auth,
                 .auth_key = random(shape.auth_bytes),
                 .enc_name = "cbc(aes)",
                 .enc_key = random(shape.cipher_bytes)};
}

// A new key of the same algorithm and length.
Algorithm fresh(const Algorithm& like, const RandomKey& random) {
  Algorithm next = like;
  if (auto* aead = std::get_if<Aead>(&next)) {
    aead->key = random(aead->key.size());
  } else {
    auto& pair = std::get<AuthEnc>(next);
    pair.auth_key = random(pair.auth_key.size());
    pair.enc_key = random(pair.enc_key.size());
  }
  return next;
}

std::string hex(const SecretBytes& key) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * key.size());
  for (size_t i = 0; i < key.size(); ++i) {
    text += kDigits[key.data()[i] >> 4];
    text += kDigits[key.data()[i] & 0xf];
  }
  return text;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kFew = 5;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kFew); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kFew) text += " and " + std::to_string(names.size() - kFew) + " more";
  return text;
}

std::optional<uint32_t> icv_bits(const std::optional<IpsecKey>& before) {
  if (!before) return std::nullopt;
  const auto* aead = std::get_if<Aead>(&before->algorithm);
  return aead ? std::optional(aead->icv_bits) : std::nullopt;
}

Algorithm next_algorithm(const std::optional<IpsecKey>& before, const RotationWishes& wishes,
                         const RandomKey& random) {
  const auto bits = wishes.icv_bits.value_or(icv_bits(before).value_or(kUsualIcvBits));
  if (!wishes.algorithm && before) {
    auto next = fresh(before->algorithm, random);
    if (auto* aead = std::get_if<Aead>(&next)) aead->icv_bits = bits;
    return next;
  }
  const auto name = wishes.algorithm.value_or(kFirstAlgorithm);
  const auto shape = std::find_if(kShapes.begin(), kShapes.end(),
                                  [&](const Shape& known) { return name == known.name; });
  if (shape == kShapes.end()) throw std::invalid_argument("no such algorithm: " + name);
  return fresh(*shape, bits, random);
}

// Continues from the ids that Nodes announce: an agent refuses another key under an id that it
// uses, even when the Secret was deleted in between.
uint8_t first_key_id(const std::map<std::string, Node>& nodes) {
  std::set<uint8_t> published;
  for (const auto& [name, node] : nodes) {
    if (node.key_id) published.insert(*node.key_id);
  }
  if (published.empty()) return kFirstKeyId;
  auto id = next_key_id(*published.rbegin());
  for (int tries = 0; published.contains(id) && tries < 15; ++tries) id = next_key_id(id);
  return id;
}

NextKey next_key(const std::optional<IpsecKey>& before, const std::map<std::string, Node>& nodes,
                 const RotationWishes& wishes, const RandomKey& random) {
  const bool per_pair = wishes.per_pair.value_or(before ? before->per_pair : true);
  return {.before = before,
          .key = {.id = before ? next_key_id(before->id) : first_key_id(nodes),
                  .algorithm = next_algorithm(before, wishes, random),
                  .per_pair = per_pair}};
}

// Why agents would refuse the key and keep the previous one; empty: they accept it.
std::string agents_refusal(const NextKey& next) {
  auto line = key_line(next.key);
  const auto decoded = decode_keys(line);
  OPENSSL_cleanse(line.data(), line.size());
  if (!decoded.key) return decoded.problems.front().sentence;
  if (next.before &&
      cipher_key_bytes(next.key.algorithm) < cipher_key_bytes(next.before->algorithm)) {
    return "its encryption key would be shorter than that of key " +
           std::to_string(next.before->id) + ", which agents refuse";
  }
  return "";
}

}  // namespace

uint8_t next_key_id(uint8_t id) {
  constexpr uint8_t kLast = 15;  // the packet mark has four bits for it
  return id >= kLast ? uint8_t{1} : static_cast<uint8_t>(id + 1);
}

SecretBytes random_key(size_t bytes) {
  std::vector<uint8_t> key(bytes);
  for (size_t done = 0; done < bytes;) {
    const ssize_t size = getrandom(key.data() + done, bytes - done, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    done += static_cast<size_t>(size);
  }
  return SecretBytes(std::move(key));
}

std::vector<std::string> algorithm_names() {
  std::vector<std::string> names;
  names.reserve(kShapes.size());
  for (const auto& shape : kShapes) names.emplace_back(shape.name);
  return names;
}

std::string key_line(const IpsecKey& key) {
  const auto id = std::to_string(key.id) + (key.per_pair ? "+ " : " ");
  if (const auto* aead = std::get_if<Aead>(&key.algorithm)) {
    return id + aead->name + " " + hex(aead->key) + " " + std::to_string(aead->icv_bits);
  }
  const auto& pair = std::get<AuthEnc>(key.algorithm);
  return id + pair.auth_name + " " + hex(pair.auth_key) + " " + pair.enc_name + " " +
         hex(pair.enc_key);
}

std::vector<std::string> nodes_without_key(const std::map<std::string, Node>& nodes, uint8_t id) {
  std::vector<std::string> names;
  for (const auto& [name, node] : nodes) {
    const bool takes_part = node.router_ipv4 || node.router_ipv6 || node.key_id;
    if (takes_part && node.key_id != id) names.push_back(name);
  }
  return names;
}

RotationPlan plan_rotation(const std::optional<ApiObject>& secret,
                           const std::map<std::string, Node>& nodes, const RotationWishes& wishes,
                           const RandomKey& random) {
  const std::string name = kKeySecret;
  std::optional<IpsecKey> before;
  if (!secret && !wishes.create) {
    return RotationRefused{name + " does not exist; --create makes it"};
  }
  if (secret && wishes.create) {
    return RotationNeedless{name +
                            " exists already and is left as it is; without --create its key "
                            "is rotated"};
  }
  if (secret) {
    // A weak algorithm is a reason to rotate, so it is accepted here.
    auto decoded = decode_secret(*secret, WeakAlgorithms::allowed);
    if (!decoded.key) {
      return RotationRefused{decoded.problems.front().to_string() +
                             "; a key that cannot be read cannot be rotated: correct it, or delete "
                             "the Secret and run this with --create"};
    }
    before = std::move(decoded.key);
    if (wishes.only && *wishes.only != before->id) {
      return RotationNeedless{name + " has key " + std::to_string(before->id) + " already"};
    }
    const auto behind = nodes_without_key(nodes, before->id);
    if (!behind.empty() && !wishes.force) {
      return RotationRefused{
          "the rotation to key " + std::to_string(before->id) +
          " is still under way: " + listed(behind) + (behind.size() == 1 ? " has" : " have") +
          " not taken it yet; wait, or --force to go on, which may cut them off"};
    }
  }
  auto next = next_key(before, nodes, wishes, random);
  if (const auto why = agents_refusal(next); !why.empty()) {
    return RotationRefused{"no such key is written: " + why};
  }
  return next;
}

}  // namespace pellicle
