// The tree of commands: each with its options and what is called when it is given. Whoever
// describes it (--help, completion, manual pages) walks the tree.
#pragma once

#include "tools/ctl/options.h"

namespace CLI {
class App;
}

namespace pellicle::ctl {

// Makes `app` the command line of `pellicle`. Parsing runs the command that was given, which leaves
// its exit status in `status`; both references must live as long as `app`.
void add_commands(CLI::App& app, Options& options, int& status);

// Its parts, in this order.
void add_agent_commands(CLI::App& app, Options& options, int& status);
void add_bpf_commands(CLI::App& app, Options& options, int& status);
void add_encrypt_commands(CLI::App& app, Options& options, int& status);
void add_key_commands(CLI::App& app, Options& options, int& status);
void add_cleanup_command(CLI::App& app, Options& options, int& status);
void add_trace_command(CLI::App& app, Options& options, int& status);
void add_sysdump_command(CLI::App& app, Options& options, int& status);
void add_help_commands(CLI::App& app, Options& options, int& status);

}  // namespace pellicle::ctl
