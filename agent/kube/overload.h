// An overloaded API server: its 429 answers are waited out in silence for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace pellicle {

class Overload {
 public:
  using Time = std::chrono::system_clock::time_point;
  static constexpr std::chrono::minutes kPatience{1};

  // Notes the status of an answer that failed. True: it need not be told yet.
  bool excuses(uint16_t status, Time now) {
    if (status != 429) return ended();
    if (!since_ || now < *since_) since_ = now;
    return now - *since_ <= kPatience;
  }
  // An answer that is no refusal. Returns false.
  bool ended() {
    since_.reset();
    return false;
  }
  bool operator==(const Overload&) const = default;

 private:
  std::optional<Time> since_;  // the first 429 without another answer after it
};

}  // namespace pellicle
