// `pellicle preflight`: needs no agent.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "agent/kernel/modules.h"
#include "agent/preflight/preflight.h"
#include "tools/ctl/agent_socket.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/preflight_text.h"

namespace pellicle::ctl {

namespace {

constexpr const char* kAgentFile = "/etc/pellicle/agent.conf";  // in the agent's pod

// Settings need a name, by which nothing is looked up here.
std::string node_name() {
  const char* given = std::getenv("K8S_NODE_NAME");
  if (given != nullptr && *given != '\0') return given;
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name[0] == '\0' ? "this-node" : name.data();
}

PreflightOptions looked_at(const Options& options) {
  PreflightOptions preflight;
  auto file = options.agent_file;
  if (file.empty() && std::filesystem::exists(kAgentFile)) file = kAgentFile;
  std::vector<std::string> arguments;
  if (!file.empty()) arguments = {"--config", file};
  // A node-name in the file is the agent's own.
  setenv("K8S_NODE_NAME", node_name().c_str(), 1);
  const auto line = parse_command_line(arguments);
  if (line.run) {
    preflight.config = line.config;
  } else {
    preflight.config_problem = file + ": " + line.text;
  }
  if (!options.kubeconfig.empty()) preflight.config.kubeconfig = options.kubeconfig;
  constexpr std::chrono::seconds kMoment{2};
  preflight.agent_answers =
      answers(options.socket, kMoment) || answers(preflight.config.socket_path(), kMoment);
  return preflight;
}

int look(const Options& options) {
  const auto findings = preflight(looked_at(options));
  const auto json = preflight_json(findings, kernel_release());
  const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  std::cout << (options.output == "json" ? json.dump(2) + "\n" : preflight_text(json, colour));
  if (any_hopeless(findings)) return kHopeless;
  return any_fails(findings) ? kDegraded : kOk;
}

}  // namespace

void add_preflight_command(CLI::App& app, Options& options, int& status) {
  auto* command = app.add_subcommand(
      "preflight", "Whether this node can run an agent, and what stands in its way; needs none");
  command
      ->add_option("--config", options.agent_file,
                   "The agent's file of settings; without it, /etc/pellicle/agent.conf if there is "
                   "one, else the defaults")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--kubeconfig", options.kubeconfig,
                   "The agent's way to the API; without it, that of its settings, or this pod's "
                   "service account")
      ->type_name("FILE");
  command->callback([&options, &status] { status = look(options); });
}

}  // namespace pellicle::ctl
