// Keys. Secret bytes are held in SecretBytes, which wipes itself and cannot be printed.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace pellicle {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(const SecretBytes&) = default;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::move(other.bytes_)) {
    other.bytes_.clear();
  }
  SecretBytes& operator=(const SecretBytes& other);
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes() { wipe(); }

  size_t size() const { return bytes_.size(); }
  const uint8_t* data() const {
    return bytes_.data();
  }                       // only for the kernel's message and the digest
  bool all_zero() const;  // as a locked-down kernel dumps a key

  auto operator<=>(const SecretBytes&) const = default;

 private:
  void wipe();
  std::vector<uint8_t> bytes_;
};

// `name` is the kernel's algorithm name, e.g. "rfc4106(gcm(aes))". The key ends with its 4-byte
// salt.
struct Aead {
  std::string name;
  SecretBytes key;
  uint32_t icv_bits = 0;  // 96 or 128
  auto operator<=>(const Aead&) const = default;
};

// Separate authentication and encryption, e.g. hmac(sha256) and cbc(aes).
struct AuthEnc {
  std::string auth_name;
  SecretBytes auth_key;
  std::string enc_name;
  SecretBytes enc_key;
  uint32_t truncation_bits =
      0;  // as requested; 0: the kernel's default (96 for hmac(sha256)), as with Cilium
  auto operator<=>(const AuthEnc&) const = default;
};

using Algorithm = std::variant<Aead, AuthEnc>;

// Equal, or equal except for key bytes that the kernel withheld on one side (lockdown).
bool same_algorithm(const Algorithm& a, const Algorithm& b);
size_t key_bytes(const Algorithm& algorithm);            // all key material, salt included
size_t cipher_key_bytes(const Algorithm& algorithm);     // encryption key only, without a salt
std::string algorithm_name(const Algorithm& algorithm);  // without the key

// One line of the Secret: the key that all nodes share, or the key from which each ordered pair of
// nodes derives its own.
struct IpsecKey {
  uint8_t id = 0;  // 1..15: it has four bits of the packet mark
  Algorithm algorithm;
  bool per_pair = false;  // `3+ ...`
  auto operator<=>(const IpsecKey&) const = default;
};

}  // namespace pellicle
