// Commands that concern the whole node, with or without an agent.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/ctl/agent_socket.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/confirmation.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/sysdump.h"

namespace pellicle::ctl {

namespace {

// On the socket that was named, or on the one that an agent with this state directory has.
bool agent_is_running(const Options& options) {
  return answers(options.socket) || answers(options.cleanup.state_dir + "/agent.sock");
}

int clean_up(const Options& options) {
  if (!options.cleanup.dry_run) {
    if (agent_is_running(options)) {
      std::cerr << "pellicle: the agent is running and would put everything back; stop it first\n";
      return kUsage;
    }
    const char* question = "This takes the encrypted datapath and the pods' devices off this node.";
    if (!options.force && !confirmed("cleanup", question)) return kUsage;
  }
  const auto result = cleanup(options.cleanup);
  for (const auto& line : result.removed) std::cout << line << "\n";
  for (const auto& line : result.failures) std::cerr << "pellicle: still there: " << line << "\n";
  if (result.removed.empty()) std::cout << "nothing of Pellicle's is on this node\n";
  return result.failures.empty() ? kOk : kDegraded;
}

int dump_system(const Options& options) {
  const auto parts = sysdump_parts({.archive = options.archive,
                                    .socket = options.socket,
                                    .state_dir = options.cleanup.state_dir,
                                    .bpf_root = options.cleanup.bpf_root,
                                    .files = options.files});
  write_sysdump(parts, options.archive);
  if (options.archive != "-") std::cout << options.archive << "\n";
  return kOk;
}

}  // namespace

namespace {

void add_directory(CLI::App& command, const std::string& name, std::string& value,
                   const std::string& description) {
  command.add_option(name, value, description)->type_name("DIR")->capture_default_str();
}

constexpr const char* kStateDir = "Where the agent keeps what outlives it";
constexpr const char* kBpfRoot = "Where the eBPF maps are pinned";

}  // namespace

void add_cleanup_command(CLI::App& app, Options& options, int& status) {
  auto* command = app.add_subcommand("cleanup", "Removes everything of Pellicle's");
  add_directory(*command, "--state-dir", options.cleanup.state_dir, kStateDir);
  add_directory(*command, "--bpf-root", options.cleanup.bpf_root, kBpfRoot);
  add_directory(*command, "--cni-conf-dir", options.cleanup.cni.conf_dir,
                "Where the container runtime looks for configurations");
  add_directory(*command, "--cni-bin-dir", options.cleanup.cni.bin_dir,
                "Where it looks for plugins");
  command->add_flag("--keep-pods", options.cleanup.keep_pods, "Leave the pods' devices");
  command->add_flag("--dry-run", options.cleanup.dry_run, "Only list what would go");
  command->add_flag("-f,--force", options.force, "Do not ask");
  command->callback([&options, &status] { status = clean_up(options); });
}

void add_sysdump_command(CLI::App& app, Options& options, int& status) {
  auto* command =
      app.add_subcommand("sysdump", "Everything about this node in one archive, without keys");
  command->add_option("archive", options.archive, "File to write (.tar.gz); - is standard output")
      ->type_name("FILE")
      ->required();
  command->add_option("--add", options.files, "A file to take in, such as a log")
      ->type_name("FILE");
  add_directory(*command, "--state-dir", options.cleanup.state_dir, kStateDir);
  add_directory(*command, "--bpf-root", options.cleanup.bpf_root, kBpfRoot);
  command->callback([&options, &status] { status = dump_system(options); });
}

}  // namespace pellicle::ctl
