// Explains a refused operation: the kernel's message, and its meaning where that is known.
#pragma once

#include <string>

#include "agent/reconcile/plan.h"

namespace pellicle {

// `error` is a positive errno, `words` the kernel's message for it.
std::string refusal_sentence(const Operation& operation, int error, const std::string& words);

}  // namespace pellicle
