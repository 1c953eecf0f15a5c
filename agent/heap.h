// How the daemon uses its heap: a pass fills it with the kernel's state beside ours, and between
// two passes little of that is needed.
#pragma once

#include <malloc.h>

namespace pellicle {

// To be called before anything is allocated. While a pass works, memory that was freed stays ours,
// of large blocks too: to give pages back and fault them in again a moment later was more than half
// of what a pass for thousands of peers took (tests/bench/scale).
inline void set_up_heap() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // bytes, as the others; the most that there may be
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 1 << 20);
}

// After a pass.
inline void give_back_heap() {
  malloc_trim(0);
}

}  // namespace pellicle
