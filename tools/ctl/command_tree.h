// The command line as a value, read once from its CLI11 definition. Completion and manual pages are
// generated from it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pellicle::ctl {

struct CommandOption {
  std::vector<std::string> names;  // "-o", "--output"; empty for a positional one
  std::string positional;          // "archive"; empty for others
  std::string description;
  std::string value;                 // "FILE", "TEXT", "UINT"; empty: takes no value
  std::vector<std::string> choices;  // the allowed values; empty: any
  std::string standard;              // default value; may be empty
  std::string variable;              // environment variable; may be empty
  bool required = false;
  bool takes_value() const { return !value.empty(); }
};

struct Command {
  std::string name;
  std::string description;
  std::vector<CommandOption> options;  // positional ones included, in their order
  std::vector<Command> commands;       // subcommands, without those that --help hides
};

Command command_tree(const CLI::App& app);

}  // namespace pellicle::ctl
