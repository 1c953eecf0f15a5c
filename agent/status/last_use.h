// When states were last used. Some kernels report the time of the last packet (XFRMA_LASTUSED);
// others, such as 6.1, only that of the first. There, a packet counter that grew between two looks
// shows use.
#pragma once

#include <map>
#include <vector>

#include "agent/model/observed_state.h"

namespace pellicle {

class LastUse {
 public:
  // Sets last_used where the kernel does not report it and it is known. The value is late by at
  // most the interval between two looks. `now` is in seconds since 1970. Forgets states that are
  // not in `states`.
  void look(std::vector<ObservedState>& states, uint64_t now);

 private:
  struct Seen {
    uint64_t packets = 0;
    uint64_t used = 0;  // seconds since 1970; 0: no use seen yet
  };
  std::map<State::Key, Seen> seen_;
  uint64_t looked_ = 0;
};

}  // namespace pellicle
