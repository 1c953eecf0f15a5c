#include "agent/kernel/refusal_sentence.h"

#include <cerrno>

namespace pellicle {

namespace {

// NEWSA on 6.1: EPROTONOSUPPORT without esp4, ENOENT when the crypto API has no such cipher, ENOSYS
// when XFRM has not heard of it.
bool is_missing_algorithm(int error) {
  return error == EPROTONOSUPPORT || error == ENOENT || error == ENOSYS;
}

std::string missing_module(const Change<State>& change) {
  const auto& algorithm = change.value.algorithm;
  const std::string esp = change.key.dst.family() == Family::v4 ? "esp4" : "esp6";
  if (const auto* aead = std::get_if<Aead>(&algorithm)) {
    return "the kernel cannot do " + aead->name + ": is the module " + esp +
           " (and gcm, seqiv) available?";
  }
  const auto& pair = std::get<AuthEnc>(algorithm);
  return "the kernel cannot do " + pair.auth_name + " with " + pair.enc_name + ": is the module " +
         esp + " (and authenc, cbc, hmac) available?";
}

}  // namespace

std::string refusal_sentence(const Operation& operation, int error, const std::string& words) {
  const auto* state = std::get_if<Change<State>>(&operation);
  if (state && is_missing_algorithm(error)) return missing_module(*state) + " (" + words + ")";
  if (error == EPERM && words.find("CAP_") == words.npos) {
    return words + ": this needs CAP_NET_ADMIN";
  }
  if (std::holds_alternative<Change<Sysctl>>(operation) && (error == EACCES || error == EROFS)) {
    return words + ": this needs a writable /proc/sys, so a privileged container";
  }
  if (error == EEXIST && action(operation) == Action::add) {
    return words + ": something that is not ours stands in its place";
  }
  return words;
}

}  // namespace pellicle
