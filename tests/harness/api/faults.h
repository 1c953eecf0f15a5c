// Faults on demand. Pure: decides which request is affected; session.cpp executes the fault.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/api/call.h"

namespace pellicle::api {

enum class FaultKind : uint8_t {
  answer,    // answer with an error status without doing anything
  delay,     // wait, then continue as usual
  late,      // execute the request, and wait before the answer
  drop,      // close the connection: the client reads the end of the stream
  reset,     // close the connection with a TCP reset
  stall,     // send nothing (more) and keep the connection open
  truncate,  // send half of the answer, or of a watch frame, then close
  cut_off,   // send half of it, then nothing, and keep the connection open
  garbage,   // send something that is not JSON; a watch continues afterwards
  end,       // end a watch as on its timeout
  expire,    // end a watch with the ERROR frame for a version that is too old
};

inline constexpr int kUntilCleared = -1;

struct Fault {
  FaultKind kind = FaultKind::answer;
  int status = 500;                                 // of `answer`
  std::optional<std::chrono::seconds> retry_after;  // of `answer`: the header of a 429 or 503
  std::chrono::milliseconds delay{0};               // of `delay` and `late`

  std::string verb;      // get, list, watch, create, update, patch, delete; empty: any
  std::string resource;  // "nodes" (with its subresources), "nodes/status"; empty: any
  int times = 1;         // how many requests it affects, or kUntilCleared
};

class Faults {
 public:
  // Throws std::invalid_argument for a fault that can never occur.
  void add(Fault fault);
  void clear();

  // The oldest fault that matches this call; counts one use.
  std::optional<Fault> take(const Call& call);

  // Incremented by each clear(): stalled connections wait for it to change.
  uint64_t clears() const { return clears_; }

 private:
  std::vector<Fault> faults_;
  uint64_t clears_ = 0;
};

}  // namespace pellicle::api
