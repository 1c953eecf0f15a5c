#include "agent/kernel/esp_support.h"

#include <linux/netlink.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "agent/kernel/modules.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "agent/model/contract.h"

namespace pellicle {

namespace {

constexpr std::array kParts = {
    CipherParts{"rfc4106(gcm(aes))", "gcm seqiv", "CONFIG_CRYPTO_GCM"},
    CipherParts{"hmac(sha256)", "authenc cbc hmac sha256_generic", "CONFIG_CRYPTO_AUTHENC"},
    CipherParts{"hmac(sha384)", "authenc cbc hmac sha512_generic", "CONFIG_CRYPTO_AUTHENC"},
    CipherParts{"hmac(sha512)", "authenc cbc hmac sha512_generic", "CONFIG_CRYPTO_AUTHENC"},
    CipherParts{"hmac(sha1)", "authenc cbc hmac sha1_generic", "CONFIG_CRYPTO_AUTHENC"},
    CipherParts{"hmac(md5)", "authenc cbc hmac md5", "CONFIG_CRYPTO_AUTHENC"},
};

CipherParts parts_of(const Algorithm& algorithm) {
  const auto* aead = std::get_if<Aead>(&algorithm);
  const auto& name = aead ? aead->name : std::get<AuthEnc>(algorithm).auth_name;
  for (const auto& parts : kParts) {
    if (name == parts.algorithm) return parts;
  }
  return {"", "", "the algorithm"};
}

// Of the same length as the real one: nobody else's.
SecretBytes trial_key(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i + 1);
  return SecretBytes(std::move(bytes));
}

Algorithm with_trial_key(Algorithm algorithm) {
  if (auto* aead = std::get_if<Aead>(&algorithm)) {
    aead->key = trial_key(aead->key.size());
  } else {
    auto& pair = std::get<AuthEnc>(algorithm);
    pair.auth_key = trial_key(pair.auth_key.size());
    pair.enc_key = trial_key(pair.enc_key.size());
  }
  return algorithm;
}

Outcome try_state(const Algorithm& algorithm, Family family) {
  const State::Key key{
      .dst = IpAddress::parse(family == Family::v4 ? "192.0.2.1" : "2001:db8::1").value(),
      .spi = 0x100,
      .mark = encrypt_mark(1)};
  const State value{.src = IpAddress::any(family),
                    .reqid = kReqId,
                    .output_mark = kEncryptMark,
                    .algorithm = with_trial_key(algorithm)};
  NetlinkSocket socket(NETLINK_XFRM);
  return socket.request(encode_new_state(key, value, 0));
}

// In a thread of its own, whose namespace ends with it: this one cannot be left in the wrong place.
Outcome tried_elsewhere(const Algorithm& algorithm, Family family) {
  Outcome outcome;
  const auto attempt = [&] {
    if (unshare(CLONE_NEWNET) != 0) return;  // cannot be tried
    try {
      outcome = try_state(algorithm, family);
    } catch (const OsError& error) {
      outcome = {error.error(), error.what()};
    }
  };
  try {
    std::thread(attempt).join();
  } catch (const std::system_error&) {  // no thread is to be had now
  }
  return outcome;
}

}  // namespace

std::span<const CipherParts> cipher_parts() {
  return kParts;
}

std::optional<std::string> esp_obstacle(const Algorithm& algorithm, Family family) {
  const auto outcome = tried_elsewhere(algorithm, family);
  if (outcome.ok()) return std::nullopt;
  return missing_support(algorithm, family, outcome.error, outcome.sentence);
}

// NEWSA on 6.1: EPROTONOSUPPORT without esp4 or esp6, ENOENT when the crypto API has no such
// cipher, ENOSYS when XFRM has not heard of it.
std::optional<std::string> missing_support(const Algorithm& algorithm, Family family, int error,
                                           const std::string& words) {
  const std::string said = " (" + words + ")";
  if (error == EPROTONOSUPPORT) {
    const bool ipv4 = family == Family::v4;
    const std::string module = ipv4 ? "esp4" : "esp6";
    const std::string cannot =
        std::string("the kernel cannot do ESP over ") + family_name(family) + ": ";
    if (const auto block = module_block(module)) {
      return cannot + describe(*block, module, kernel_release()) + "; where it does, " +
             unblock_remedy(module) + said;
    }
    return cannot + "the module " + module + " or xfrm_user is missing; " +
           module_remedy(module + " xfrm_user", ipv4 ? "CONFIG_INET_ESP" : "CONFIG_INET6_ESP") +
           said;
  }
  if (error != ENOENT && error != ENOSYS) return std::nullopt;
  const auto parts = parts_of(algorithm);
  const std::string modules = parts.modules;
  return "the kernel cannot do " + algorithm_name(algorithm) + ": " +
         (modules.empty() ? "it has no such algorithm; "
                          : "a module of " + modules + " is missing; ") +
         module_remedy(modules, parts.options) + said;
}

}  // namespace pellicle
