// Shell completion, written from the tree of commands.
#pragma once

#include <string>

#include "tools/ctl/command_tree.h"

namespace pellicle::ctl {

// A script for bash 4 and later that completes commands, options, and the values of both where
// they are known or are files. It calls nothing but bash.
std::string bash_completion(const Command& root);

}  // namespace pellicle::ctl
