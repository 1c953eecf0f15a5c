// `completion`, and the manual page for packagers.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/ctl/command_tree.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/completion.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/manual.h"

namespace pellicle::ctl {

void add_help_commands(CLI::App& app, Options& options, int& status) {
  auto* completion =
      app.add_subcommand("completion", "Prints a script by which a shell completes these commands");
  completion->add_option("shell", options.shell, "The shell that is to read it")
      ->check(CLI::IsMember({"bash"}))
      ->required();
  completion->callback([&app, &status] {
    std::cout << bash_completion(command_tree(app));
    status = kOk;
  });
  app.add_subcommand("man", "Prints the manual page as roff")->group("")->callback([&app, &status] {
    std::cout << manual(command_tree(app), "Pellicle " PELLICLE_VERSION);
    status = kOk;
  });
}

}  // namespace pellicle::ctl
