#include "tools/ctl/esp_sa.h"

#include <array>
#include <cstdio>
#include <cstring>

namespace pellicle::ctl {

namespace {

struct Name {
  const char* kernel;
  uint32_t bits;  // of the ICV; 0: any
  const char* wireshark;
};

// For an AEAD, Wireshark's name contains the ICV length. For an authentication algorithm, `bits` is
// what the state requests; 0 is the kernel's default (net/xfrm/xfrm_algo.c, 6.1).
constexpr std::array kEncryption = {
    Name{"rfc4106(gcm(aes))", 64, "AES-GCM with 8 octet ICV [RFC4106]"},
    Name{"rfc4106(gcm(aes))", 96, "AES-GCM with 12 octet ICV [RFC4106]"},
    Name{"rfc4106(gcm(aes))", 128, "AES-GCM with 16 octet ICV [RFC4106]"},
    Name{"cbc(aes)", 0, "AES-CBC [RFC3602]"},
};
constexpr std::array kAuthentication = {
    Name{"hmac(sha256)", 0, "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]"},
    Name{"hmac(sha256)", 128, "HMAC-SHA-256-128 [RFC4868]"},
    Name{"hmac(sha384)", 0, "HMAC-SHA-384-192 [RFC4868]"},
    Name{"hmac(sha512)", 0, "HMAC-SHA-512-256 [RFC4868]"},
    Name{"hmac(sha1)", 0, "HMAC-SHA-1-96 [RFC2404]"},
    Name{"hmac(md5)", 0, "HMAC-MD5-96 [RFC2403]"},
};

template <class Names>
const char* wireshark_name(const Names& names, const std::string& kernel, uint32_t bits) {
  for (const auto& name : names) {
    if (kernel == name.kernel && bits == name.bits) return name.wireshark;
  }
  return nullptr;
}

// Key bytes in hexadecimal, wiped on destruction.
class Hex {
 public:
  explicit Hex(const SecretBytes& key) {
    static constexpr const char* kDigits = "0123456789abcdef";
    text_.reserve(2 * key.size());
    for (size_t i = 0; i < key.size(); ++i) {
      text_ += kDigits[key.data()[i] >> 4];
      text_ += kDigits[key.data()[i] & 0xf];
    }
  }
  ~Hex() { explicit_bzero(text_.data(), text_.size()); }
  Hex(const Hex&) = delete;
  Hex& operator=(const Hex&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct Algorithms {
  const char* encryption = nullptr;  // null: Wireshark does not have the algorithm
  const SecretBytes* encryption_key = nullptr;
  const char* authentication = nullptr;
  const SecretBytes* authentication_key = nullptr;  // null: not needed
};

Algorithms algorithms(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    return {.encryption = wireshark_name(kEncryption, aead->name, aead->icv_bits),
            .encryption_key = &aead->key,
            .authentication = "NULL"};
  }
  const auto& pair = std::get<AuthEnc>(algorithm);
  return {.encryption = wireshark_name(kEncryption, pair.enc_name, 0),
          .encryption_key = &pair.enc_key,
          .authentication = wireshark_name(kAuthentication, pair.auth_name, pair.truncation_bits),
          .authentication_key = &pair.auth_key};
}

// "*" for any address.
std::string address(const IpAddress& address) {
  return address == IpAddress::any(address.family()) ? "*" : address.to_string();
}

void write_line(const ObservedState& state, const Algorithms& names, std::ostream& out) {
  std::array<char, 16> spi{};
  std::snprintf(spi.data(), spi.size(), "0x%08x", state.key.spi);
  const bool ipv4 = state.key.dst.family() == Family::v4;
  out << '"' << (ipv4 ? "IPv4" : "IPv6") << "\",\"" << address(state.value.src) << "\",\""
      << address(state.key.dst) << "\",\"" << spi.data() << "\",\"" << names.encryption << "\",\"0x"
      << Hex(*names.encryption_key).text() << "\",\"" << names.authentication << "\",\"";
  if (names.authentication_key) out << "0x" << Hex(*names.authentication_key).text();
  out << "\"\n";
}

}  // namespace

bool write_esp_sa(const std::vector<ObservedState>& states, std::ostream& out,
                  std::ostream& complaints) {
  bool written = false;
  for (const auto& state : states) {
    const auto names = algorithms(state.value.algorithm);
    const std::string which = "pellicle: the state for " + state.key.dst.to_string() + " (" +
                              algorithm_name(state.value.algorithm) + ") is left out: ";
    if (!names.encryption || !names.authentication) {
      complaints << which << "Wireshark has no such algorithm\n";
    } else if (names.encryption_key->all_zero()) {
      complaints << which << "this kernel is locked down and does not tell keys\n";
    } else {
      write_line(state, names, out);
      written = true;
    }
  }
  out.flush();
  return written;
}

}  // namespace pellicle::ctl
