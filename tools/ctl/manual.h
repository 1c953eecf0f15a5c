// The manual page, generated from the tree of commands.
#pragma once

#include <string>

#include "tools/ctl/command_tree.h"

namespace pellicle::ctl {

// One page for all commands, in section 8, as roff with the `man` macros.
std::string manual(const Command& root, const std::string& version);

}  // namespace pellicle::ctl
