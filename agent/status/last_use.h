// When states were used last. Kernels tell of the last packet (XFRMA_LASTUSED) or, as 6.1, of the
// first alone; then it is seen from packet counters that grew between two looks.
#pragma once

#include <map>
#include <vector>

#include "agent/model/observed_state.h"

namespace pellicle {

class LastUse {
 public:
  // Fills in last_used where the kernel does not tell, as far as it is known: at most as late as
  // the interval between two looks. `now` in seconds since 1970. States that are gone are
  // forgotten.
  void look(std::vector<ObservedState>& states, uint64_t now);

 private:
  struct Seen {
    uint64_t packets = 0;
    uint64_t used = 0;  // 0: not while this was looking
  };
  std::map<State::Key, Seen> seen_;
  uint64_t looked_ = 0;
};

}  // namespace pellicle
