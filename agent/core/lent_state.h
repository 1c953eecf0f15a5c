// What the kernel holds of keys, lent to the inputs of one computation.
#pragma once

#include <utility>

#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

// Swaps the tables in, and back on destruction: copying tens of thousands of objects is too slow.
// `inputs.programmed` is empty before and after.
class LentState {
 public:
  LentState(KernelState& actual, Inputs& inputs) : actual_(actual), inputs_(inputs) { swap(); }
  ~LentState() { swap(); }
  LentState(const LentState&) = delete;
  LentState& operator=(const LentState&) = delete;

 private:
  void swap() {
    std::swap(inputs_.programmed.states, actual_.states);
    std::swap(inputs_.programmed.policies, actual_.policies);
    std::swap(inputs_.programmed.peers, actual_.peers);
  }

  KernelState& actual_;
  Inputs& inputs_;
};

}  // namespace pellicle
