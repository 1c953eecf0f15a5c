#include "agent/kernel/refusal_sentence.h"

#include <cerrno>

#include "agent/kernel/esp_support.h"

namespace pellicle {

std::string refusal_sentence(const Operation& operation, int error, const std::string& words) {
  if (const auto* state = std::get_if<Change<State>>(&operation)) {
    const auto missing =
        missing_support(state->value.algorithm, state->key.dst.family(), error, words);
    if (missing) return *missing;
  }
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
