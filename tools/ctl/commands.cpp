#include "tools/ctl/commands.h"

#include <CLI/CLI.hpp>

#include "tools/ctl/monitor_command.h"

namespace pellicle::ctl {

void add_commands(CLI::App& app, Options& options, int& status) {
  app.name("pellicle");
  app.description("Asks the Pellicle agent of this node.");
  app.set_version_flag("--version", "pellicle " PELLICLE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--socket", options.socket, "The agent's unix socket")
      ->type_name("FILE")
      ->envname("PELLICLE_SOCKET")
      ->capture_default_str();
  app.add_option("-o,--output", options.output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();

  add_agent_commands(app, options, status);
  add_bpf_commands(app, options, status);
  add_monitor_command(app, options.socket, options.output, status);
  add_trace_command(app, options, status);
  add_encrypt_commands(app, options, status);
  add_key_commands(app, options, status);
  add_cleanup_command(app, options, status);
  add_preflight_command(app, options, status);
  add_sysdump_command(app, options, status);
  add_help_commands(app, options, status);
}

}  // namespace pellicle::ctl
