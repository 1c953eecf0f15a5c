#include "agent/model/key.h"

#include <cstring>

#include <algorithm>

namespace pellicle {

void SecretBytes::wipe() {
  if (!bytes_.empty()) explicit_bzero(bytes_.data(), bytes_.size());
}

SecretBytes& SecretBytes::operator=(const SecretBytes& other) {
  if (this != &other) {
    wipe();
    bytes_ = other.bytes_;
  }
  return *this;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    other.bytes_.clear();
  }
  return *this;
}

bool SecretBytes::all_zero() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

namespace {

bool same_key(const SecretBytes& a, const SecretBytes& b) {
  return a == b || (a.size() == b.size() && (a.all_zero() || b.all_zero()));
}

}  // namespace

bool same_algorithm(const Algorithm& a, const Algorithm& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<Aead>(&a)) {
    const auto& y = std::get<Aead>(b);
    return x->name == y.name && x->icv_bits == y.icv_bits && same_key(x->key, y.key);
  }
  const auto& x = std::get<AuthEnc>(a);
  const auto& y = std::get<AuthEnc>(b);
  return x.auth_name == y.auth_name && x.enc_name == y.enc_name &&
         x.truncation_bits == y.truncation_bits && same_key(x.auth_key, y.auth_key) &&
         same_key(x.enc_key, y.enc_key);
}

size_t key_bytes(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) return aead->key.size();
  const auto& pair = std::get<AuthEnc>(algorithm);
  return pair.auth_key.size() + pair.enc_key.size();
}

size_t cipher_key_bytes(const Algorithm& algorithm) {
  constexpr size_t kSalt = 4;
  if (const auto* aead = std::get_if<Aead>(&algorithm)) return aead->key.size() - kSalt;
  return std::get<AuthEnc>(algorithm).enc_key.size();
}

std::string algorithm_name(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    return aead->name + " " + std::to_string(aead->icv_bits);
  }
  const auto& pair = std::get<AuthEnc>(algorithm);
  return pair.auth_name + " " + pair.enc_name;
}

}  // namespace pellicle
