// What to tell people about a refused operation: the kernel's words, and what they mean where that
// is known.
#pragma once

#include <string>

#include "agent/reconcile/plan.h"

namespace pellicle {

// `error` is an errno, `words` the kernel's sentence for it.
std::string refusal_sentence(const Operation& operation, int error, const std::string& words);

}  // namespace pellicle
