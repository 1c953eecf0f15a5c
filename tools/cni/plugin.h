// The plugin as a function: what a runtime says in, what it reads out.
#pragma once

#include <string>

#include "tools/cni/environment.h"
#include "tools/cni/failure.h"

namespace pellicle::cni {

struct Answer {
  int status = 0;    // of the process: 0, or 1 with an error object as text
  std::string text;  // for stdout: one JSON document, or nothing
};

// Asks the agent. Throws nothing.
Answer answer(const Environment& environment, const std::string& input);

// What could not even be read.
Answer error_answer(const std::string& input, const Failure& failure);

}  // namespace pellicle::cni
