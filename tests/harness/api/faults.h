// Things that go wrong on demand. Pure: which request is hit; session.cpp carries it out.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/api/call.h"

namespace pellicle::api {

enum class FaultKind : uint8_t {
  answer,    // answer with an error status instead of doing anything
  delay,     // wait, then go on as if nothing had happened
  late,      // do what is asked, and wait before the answer
  drop,      // close the connection: the client reads the end of the stream
  reset,     // close the connection with a TCP reset
  stall,     // say nothing (more) and keep the connection open
  truncate,  // send half of the answer, or of a watch frame, then close
  cut_off,   // send that half, then nothing, and keep the connection open
  garbage,   // send something that is not JSON; a watch goes on afterwards
  end,       // end a watch as its timeout would
  expire,    // end a watch with the ERROR frame of a version that is too old
};

inline constexpr int kUntilCleared = -1;

struct Fault {
  FaultKind kind = FaultKind::answer;
  int status = 500;                                 // of `answer`
  std::optional<std::chrono::seconds> retry_after;  // of `answer`: the header of a 429 or 503
  std::chrono::milliseconds delay{0};               // of `delay` and `late`

  std::string verb;      // get, list, watch, create, update, patch, delete; empty: any
  std::string resource;  // "nodes" (with its subresources), "nodes/status"; empty: any
  int times = 1;         // how many requests it hits, or kUntilCleared
};

class Faults {
 public:
  // Throws std::invalid_argument for a fault that could never be carried out.
  void add(Fault fault);
  void clear();

  // The oldest fault that this call meets; uses it up by one.
  std::optional<Fault> take(const Call& call);

  // Grows with each clear(): what stalls meanwhile waits for it to change.
  uint64_t clears() const { return clears_; }

 private:
  std::vector<Fault> faults_;
  uint64_t clears_ = 0;
};

}  // namespace pellicle::api
