// A command line as a value: read once from its CLI11 definition, by which it is parsed. Completion
// and manual pages are written from it.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pellicle::ctl {

struct CommandOption {
  std::vector<std::string> names;  // "-o", "--output"; of a positional one none
  std::string positional;          // "archive"; of others empty
  std::string description;
  std::string value;                 // "FILE", "TEXT", "UINT"; empty: it takes none
  std::vector<std::string> choices;  // the values there are; empty: any
  std::string standard;              // what it is without being given; may be empty
  std::string variable;              // of the environment; may be empty
  bool required = false;
  bool takes_value() const { return !value.empty(); }
};

struct Command {
  std::string name;
  std::string description;
  std::vector<CommandOption> options;  // and positional ones, in their order
  std::vector<Command> commands;       // below it; those that --help hides are left out
};

Command command_tree(const CLI::App& app);

}  // namespace pellicle::ctl
