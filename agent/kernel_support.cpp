#include "agent/kernel_support.h"

#include <utility>

namespace pellicle {

namespace {

Algorithm usual_algorithm() {
  return Aead{.name = "rfc4106(gcm(aes))",
              .key = SecretBytes(std::vector<uint8_t>(20, 1)),
              .icv_bits = 128};
}

}  // namespace

void KernelSupport::look(const std::optional<IpsecKey>& key, const std::set<Family>& families) {
  const auto algorithm = key ? key->algorithm : usual_algorithm();
  auto before = std::exchange(tried_, {});
  for (const auto family : families) {
    const auto what = std::string(family_name(family)) + " " + algorithm_name(algorithm) + " " +
                      std::to_string(key_bytes(algorithm));
    const auto known = before.find(what);
    const bool good = known != before.end() && !known->second;
    tried_[what] = good ? std::nullopt : obstacle_(algorithm, family);
  }
}

std::vector<Problem> KernelSupport::problems() const {
  std::vector<Problem> problems;
  for (const auto& [what, obstacle] : tried_) {
    if (obstacle) problems.push_back({.object = "Kernel", .field = "", .sentence = *obstacle});
  }
  return problems;
}

}  // namespace pellicle
