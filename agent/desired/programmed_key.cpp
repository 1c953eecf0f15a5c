#include "agent/desired/programmed_key.h"

#include "agent/desired/desired.h"

namespace pellicle {

namespace {

bool withheld(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) return aead->key.all_zero();
  const auto& pair = std::get<AuthEnc>(algorithm);
  return pair.auth_key.all_zero() || pair.enc_key.all_zero();
}

}  // namespace

std::optional<IpsecKey> programmed_key(const KernelState& actual) {
  std::optional<IpsecKey> found;
  for (const auto& [key, state] : actual.states) {
    if (key.mark != kDecryptMark || key.spi == 0 || key.spi > 15) continue;
    if (withheld(state.algorithm)) return std::nullopt;
    if (found && found->id != key.spi) return std::nullopt;
    found = IpsecKey{.id = static_cast<uint8_t>(key.spi), .algorithm = state.algorithm};
  }
  return found;
}

}  // namespace pellicle
