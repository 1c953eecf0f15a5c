// The commands of `pellicle` as the program builds them, as a tree.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/ctl/command_tree.h"
#include "tools/ctl/commands.h"

namespace pellicle::ctl {

struct CommandLine {
  Options options;
  int status = 0;
  CLI::App app;
  CommandLine() { add_commands(app, options, status); }
  Command tree() const { return command_tree(app); }
};

}  // namespace pellicle::ctl
