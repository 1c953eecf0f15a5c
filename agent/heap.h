// How the daemon uses its heap: a pass fills it with the kernel's state beside ours, and between
// two passes little of that is needed.
#pragma once

#include <malloc.h>

namespace pellicle {

// While one lives, memory that was freed stays the process's, of large blocks too: to give pages
// back and fault them in again a moment later was more than half of what a pass for thousands of
// peers took (tests/bench/scale). At its end all that is free is given back, and from then on, as
// before it, what is freed is. One at a time.
class HeldHeap {
 public:
  HeldHeap() { set(32 << 20, 1 << 30); }  // the most that there may be
  ~HeldHeap() {
    set(kUsual, kUsual);
    malloc_trim(0);
  }
  HeldHeap(const HeldHeap&) = delete;
  HeldHeap& operator=(const HeldHeap&) = delete;

  // Before the first: the C library would raise its limits with each large block that is freed.
  static void begin_without() { set(kUsual, kUsual); }

 private:
  static constexpr int kUsual = 128 * 1024;  // bytes; what the C library begins with

  static void set(int largest_block, int most_free) {
    mallopt(M_MMAP_THRESHOLD, largest_block);
    mallopt(M_TRIM_THRESHOLD, most_free);
  }
};

}  // namespace pellicle
