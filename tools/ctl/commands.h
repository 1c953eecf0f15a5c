// The tree of commands, each with its options and callback. --help, completion and manual pages are
// generated from it.
#pragma once

#include "tools/ctl/options.h"

namespace CLI {
class App;
}

namespace pellicle::ctl {

// Makes `app` the command line of `pellicle`. Parsing runs the given command, which stores its exit
// status in `status`. Both references must live as long as `app`.
void add_commands(CLI::App& app, Options& options, int& status);

// The parts of add_commands(), in this order.
void add_agent_commands(CLI::App& app, Options& options, int& status);
void add_bpf_commands(CLI::App& app, Options& options, int& status);
void add_encrypt_commands(CLI::App& app, Options& options, int& status);
void add_key_commands(CLI::App& app, Options& options, int& status);
void add_cleanup_command(CLI::App& app, Options& options, int& status);
void add_trace_command(CLI::App& app, Options& options, int& status);
void add_preflight_command(CLI::App& app, Options& options, int& status);
void add_sysdump_command(CLI::App& app, Options& options, int& status);
void add_help_commands(CLI::App& app, Options& options, int& status);

}  // namespace pellicle::ctl
