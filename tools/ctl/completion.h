// Shell completion, generated from the tree of commands.
#pragma once

#include <string>

#include "tools/ctl/command_tree.h"

namespace pellicle::ctl {

// A script for bash 4 and later that completes commands, options, and their values where these are
// known or are files. It runs no program other than bash.
std::string bash_completion(const Command& root);

}  // namespace pellicle::ctl
