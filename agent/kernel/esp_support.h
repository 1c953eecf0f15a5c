// Whether this kernel can do ESP in tunnel mode, asked before a packet depends on it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "agent/model/ip.h"
#include "agent/model/key.h"

namespace pellicle {

// What a kernel needs beside ESP for the algorithm by whose name a key begins. Debian's names of
// modules and kernel options; other distributions have the same.
struct CipherParts {
  const char* algorithm;
  const char* modules;  // between blanks
  const char* options;
};
std::span<const CipherParts> cipher_parts();

// What stands in the way of states with this algorithm over this family: one sentence that names
// what is missing and how to get it. No value: they can be made, or it cannot be tried (without
// CAP_SYS_ADMIN) and the states themselves will tell.
//
// Found out by making one, with another key, in a network namespace that exists for that long:
// nothing of this node's is touched, and the kernel loads the modules as it would for a real one.
std::optional<std::string> esp_obstacle(const Algorithm& algorithm, Family family);

// The sentence for a state that the kernel refused with this errno and these words; no value for a
// refusal that has another reason than missing support.
std::optional<std::string> missing_support(const Algorithm& algorithm, Family family, int error,
                                           const std::string& words);

}  // namespace pellicle
