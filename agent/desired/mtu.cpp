#include <algorithm>
#include <array>
#include <string_view>

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// What ESP adds with an algorithm, in bytes.
struct Overhead {
  uint32_t iv = 0;
  uint32_t block = 0;  // at least 4, ESP's alignment
  uint32_t icv = 0;
};

struct Cipher {
  std::string_view name;
  uint32_t iv = 0;
  uint32_t block = 0;
};

// ivsize and blocksize in the kernel's crypto/ (6.1).
constexpr std::array kCiphers = {
    Cipher{"rfc4106(gcm(aes))", 8, 4}, Cipher{"rfc4309(ccm(aes))", 8, 4},
    Cipher{"rfc4543(gcm(aes))", 8, 4}, Cipher{"rfc7539esp(chacha20,poly1305)", 8, 4},
    Cipher{"rfc3686(ctr(aes))", 8, 4}, Cipher{"cbc(aes)", 16, 16},
    Cipher{"cbc(des3_ede)", 8, 8},
};
constexpr Cipher kWidestCipher{"", 16, 16};  // for a name missing from the table

struct Digest {
  std::string_view name;
  uint32_t truncated_bits = 0;
};

// icv_truncbits in net/xfrm/xfrm_algo.c (6.1): the kernel's default truncation.
constexpr std::array kDigests = {
    Digest{"hmac(md5)", 96},     Digest{"hmac(sha1)", 96},    Digest{"hmac(sha256)", 96},
    Digest{"hmac(sha384)", 192}, Digest{"hmac(sha512)", 256}, Digest{"cmac(aes)", 96},
    Digest{"xcbc(aes)", 96},
};
constexpr uint32_t kWidestDigestBits = 256;

Cipher cipher(std::string_view name) {
  const auto found = std::find_if(kCiphers.begin(), kCiphers.end(),
                                  [&](const Cipher& known) { return known.name == name; });
  return found == kCiphers.end() ? kWidestCipher : *found;
}

uint32_t truncated_bits(const AuthEnc& algorithm) {
  if (algorithm.truncation_bits) return algorithm.truncation_bits;
  const auto found = std::find_if(kDigests.begin(), kDigests.end(), [&](const Digest& known) {
    return known.name == algorithm.auth_name;
  });
  return found == kDigests.end() ? kWidestDigestBits : found->truncated_bits;
}

Overhead overhead(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    const auto known = cipher(aead->name);
    return {.iv = known.iv, .block = known.block, .icv = aead->icv_bits / 8};
  }
  const auto& pair = std::get<AuthEnc>(algorithm);
  const auto known = cipher(pair.enc_name);
  return {.iv = known.iv, .block = known.block, .icv = truncated_bits(pair) / 8};
}

constexpr uint32_t kEspHeader = 8;   // SPI and sequence number
constexpr uint32_t kEspTrailer = 2;  // pad length and next header

constexpr uint32_t kLeastIpv6 = 1280;  // RFC 8200, 5

// The MTU at which a packet of 1280 bytes fits, whichever key encrypts it.
uint32_t least_ipv6_mtu(const Keys& keys) {
  uint32_t least = 0;
  for (const auto* key : keys.known()) {
    least = std::max(least, outer_mtu(kLeastIpv6, key->algorithm, Family::v6));
  }
  return least;
}

// Of the uplink's MTU, the device's that leads to the peer, and the MTU that routers reported.
uint32_t narrowest(const Peer& peer, const LocalView& view) {
  auto mtu = view.uplink.mtu;
  if (peer.next_hop && peer.next_hop->mtu != 0) mtu = std::min(mtu, peer.next_hop->mtu);
  return peer.path ? std::min(mtu, peer.path->mtu) : mtu;
}

}  // namespace

uint32_t outer_mtu(uint32_t inner, const Algorithm& algorithm, Family outer) {
  const auto added = overhead(algorithm);
  const uint32_t padded = (inner + kEspTrailer + added.block - 1) & ~(added.block - 1);
  return (outer == Family::v4 ? 20 : 40) + kEspHeader + added.iv + added.icv + padded;
}

// As in xfrm_state_mtu() (net/xfrm/xfrm_state.c, 6.1).
uint32_t inner_mtu(uint32_t uplink_mtu, const Algorithm& algorithm, Family outer) {
  const auto added = overhead(algorithm);
  const uint32_t ip_header = outer == Family::v4 ? 20 : 40;
  const uint32_t fixed = ip_header + kEspHeader + added.iv + added.icv;
  if (uplink_mtu < fixed + added.block) return 0;
  return ((uplink_mtu - fixed) & ~(added.block - 1)) - kEspTrailer;
}

uint32_t routed_mtu(const Peer& peer, const LocalView& view) {
  const auto family = peer.router.family();
  const auto least = family == Family::v4 ? 0 : least_ipv6_mtu(view.keys);
  return std::min(std::max(narrowest(peer, view), least), view.uplink.mtu);
}

uint16_t cut_path(const Peer& peer, const LocalView& view) {
  const auto path = narrowest(peer, view);
  return routed_mtu(peer, view) > path ? static_cast<uint16_t>(path) : uint16_t{0};
}

}  // namespace pellicle
