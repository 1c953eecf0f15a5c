// Retires the keys that a rotation has left behind.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "agent/core/last_pass.h"
#include "agent/keys/key_use.h"
#include "agent/kube/store.h"

namespace pellicle {

class KeyRotation {
 public:
  using Time = KeyUse::Time;
  // `patience`: how long an older key stays after the last node needed it.
  KeyRotation(Store& store, KeyUse& keys, Kernel& kernel, std::chrono::milliseconds patience)
      : store_(store), keys_(keys), kernel_(kernel), patience_(patience) {}

  // At the start: the programmed states keep working, so their keys come from the kernel. Throws
  // KernelError.
  void resume();

  // After each pass: retires older keys that no node needs. Returns when a pass has to follow;
  // nullopt: no key waits to be retired.
  std::optional<std::chrono::milliseconds> advance(const LastPass& last, Time now);

  // The nodes for which an older key stays in use longer than `patience`.
  std::vector<Problem> problems(Time now) const;

 private:
  Store& store_;
  KeyUse& keys_;
  Kernel& kernel_;
  std::chrono::milliseconds patience_;
};

}  // namespace pellicle
