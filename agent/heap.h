// Heap policy of the daemon. A pass holds the kernel's state beside the desired one; between passes
// the daemon needs little of that memory.
#pragma once

#include <malloc.h>

namespace pellicle {

// While a HeldHeap lives, the process keeps freed memory, large blocks included. Returning pages
// and faulting them in again a moment later took more than half of a pass for thousands of peers
// (tests/bench/scale). The destructor returns all free memory and restores the usual thresholds. At
// most one exists at a time.
class HeldHeap {
 public:
  HeldHeap() { set(32 << 20, 1 << 30); }  // the largest allowed
  ~HeldHeap() {
    set(kUsual, kUsual);
    malloc_trim(0);
  }
  HeldHeap(const HeldHeap&) = delete;
  HeldHeap& operator=(const HeldHeap&) = delete;

  // Call before the first HeldHeap. Without it, glibc raises its thresholds each time a large block
  // is freed.
  static void begin_without() { set(kUsual, kUsual); }

 private:
  static constexpr int kUsual = 128 * 1024;  // bytes; glibc's initial value

  static void set(int largest_block, int most_free) {
    mallopt(M_MMAP_THRESHOLD, largest_block);
    mallopt(M_TRIM_THRESHOLD, most_free);
  }
};

}  // namespace pellicle
