// The algorithms that a key may name: does the kernel have them, and who computes them? Pure but
// for read_processor().
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "agent/kernel/modules.h"
#include "agent/preflight/finding.h"

namespace pellicle {

// One entry of /proc/crypto.
struct CryptoDriver {
  std::string name;    // "rfc4106(gcm(aes))"
  std::string driver;  // "rfc4106-gcm-aesni"
  int priority = 0;    // the kernel takes the greatest
  auto operator<=>(const CryptoDriver&) const = default;
};

// All that others than the crypto API itself may use.
std::vector<CryptoDriver> parse_crypto(const std::string& text);

// Does it compute without the processor's instructions for it?
bool is_software(const std::string& driver);

struct Processor {
  std::string machine;  // as uname says it: "x86_64"
  bool aes = false;     // has instructions for AES
};
Processor read_processor();

struct CipherFacts {
  std::vector<CryptoDriver> drivers;
  Processor processor;
  bool weak = false;  // keys for hmac(md5) and hmac(sha1) are taken, too
};
Findings judge_ciphers(const CipherFacts& facts, const KernelModules& modules);

}  // namespace pellicle
