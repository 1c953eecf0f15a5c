#include "agent/keys/derive.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace pellicle {

namespace {

constexpr size_t kShort = 32;  // bytes that SHA-256 yields

// Fetched once: otherwise libcrypto looks up EVP_sha256() for each digest, which takes as long as
// the digest itself.
const EVP_MD* sha(const char* name) {
  const EVP_MD* kind = EVP_MD_fetch(nullptr, name, nullptr);
  if (!kind) throw std::runtime_error(std::string("libcrypto has no ") + name);
  return kind;
}
const EVP_MD* sha256() {
  static const EVP_MD* kind = sha("SHA256");
  return kind;
}
const EVP_MD* sha512() {
  static const EVP_MD* kind = sha("SHA512");
  return kind;
}

class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    check(context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1);
  }
  void add(const void* data, size_t size) {
    check(EVP_DigestUpdate(context_.get(), data, size) == 1);
  }
  void add(const IpAddress& address) { add(address.data(), address.size()); }
  void add(const std::string& text) { add(text.data(), text.size()); }
  void add(uint64_t number) {
    std::array<uint8_t, sizeof number> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(number >> (8 * (bytes.size() - 1 - i)));
    }
    add(bytes.data(), bytes.size());
  }
  // At most the digest's length.
  std::vector<uint8_t> first_bytes(size_t size) {
    std::array<uint8_t, EVP_MAX_MD_SIZE> all{};
    unsigned length = 0;
    check(EVP_DigestFinal_ex(context_.get(), all.data(), &length) == 1);
    std::vector<uint8_t> bytes(all.begin(), all.begin() + std::min<size_t>(size, length));
    OPENSSL_cleanse(all.data(), all.size());
    return bytes;
  }

 private:
  static void check(bool good) {
    if (!good) throw std::runtime_error("the digest of a key failed");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

SecretBytes derived(const SecretBytes& key, const PairEnds& ends) {
  Digest digest(key.size() <= kShort ? sha256() : sha512());
  digest.add(key.data(), key.size());
  digest.add(ends.src);
  digest.add(ends.dst);
  digest.add(ends.src_boot_id);
  digest.add(ends.dst_boot_id);
  if (ends.generation) digest.add(ends.generation);
  return SecretBytes(digest.first_bytes(key.size()));
}

}  // namespace

Algorithm derive_key(const Algorithm& global, const PairEnds& ends) {
  Algorithm algorithm = global;
  if (auto* aead = std::get_if<Aead>(&algorithm)) {
    aead->key = derived(aead->key, ends);
  } else {
    auto& pair = std::get<AuthEnc>(algorithm);
    pair.auth_key = derived(pair.auth_key, ends);
    pair.enc_key = derived(pair.enc_key, ends);
  }
  return algorithm;
}

uint64_t fingerprint(const Algorithm& algorithm) {
  Digest digest(sha256());
  digest.add(std::string("pellicle fingerprint"));
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    digest.add(aead->key.data(), aead->key.size());
  } else {
    const auto& pair = std::get<AuthEnc>(algorithm);
    digest.add(pair.auth_key.data(), pair.auth_key.size());
    digest.add(pair.enc_key.data(), pair.enc_key.size());
  }
  uint64_t number = 0;
  for (const uint8_t byte : digest.first_bytes(sizeof number)) number = number << 8 | byte;
  return number;
}

}  // namespace pellicle
