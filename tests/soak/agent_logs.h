// What agents say that they must not, or that needs a reason.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/soak/ledger.h"

namespace pellicle::soak {

// By node, the lines of <node>-agent.log in this directory that are of level error and that nothing
// explains which was done to the node then, and every line of a sanitizer.
std::vector<std::pair<std::string, std::string>> complaints(const std::string& directory,
                                                            const Ledger& ledger);

}  // namespace pellicle::soak
