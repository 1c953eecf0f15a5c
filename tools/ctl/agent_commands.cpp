// Commands that ask this node's agent one question.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "tools/ctl/agent_socket.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/endpoint_text.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/node_text.h"
#include "tools/ctl/status_text.h"
#include "tools/ctl/version_text.h"

namespace pellicle::ctl {

namespace {

bool colour_wanted() {
  return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
}

int show_status(const Options& options) {
  const auto status = ask(options.socket, "status");
  const auto screen = status_text(status, colour_wanted(), options.verbose);
  if (options.output == "json") {
    std::cout << status.dump(2) << "\n";
  } else {
    std::cout << screen.text;
  }
  return screen.healthy ? kOk : kDegraded;
}

int list_endpoints(const Options& options) {
  const auto endpoints = ask(options.socket, "pod-list");
  std::cout << (options.output == "json" ? endpoints.dump(2) + "\n" : endpoint_text(endpoints));
  return kOk;
}

int list_nodes(const Options& options) {
  const auto status = ask(options.socket, "status");
  std::cout << (options.output == "json" ? node_json(status).dump(2) + "\n" : node_text(status));
  return kOk;
}

int show_config(const Options& options) {
  const auto config = ask(options.socket, "config");
  if (options.output == "json") {
    std::cout << config.dump(2) << "\n";
  } else {
    for (const auto& [name, value] : config.items()) {
      const auto text = value.get<std::string>();
      std::cout << name << " = " << (text.empty() ? "\"\"" : text) << "\n";
    }
  }
  return kOk;
}

int show_diff(const Options& options) {
  const auto diff = ask(options.socket, "diff");
  const auto& operations = diff.at("operations");
  if (options.output == "json") {
    std::cout << diff.dump(2) << "\n";
  } else {
    for (const auto& operation : operations) std::cout << operation.get<std::string>() << "\n";
    if (operations.empty()) std::cout << "nothing to do: the kernel is as desired\n";
  }
  return operations.empty() ? kOk : kDegraded;
}

int log_level(const Options& options) {
  auto params = nlohmann::json::object();
  if (!options.level.empty()) params["level"] = options.level;
  const auto answer = ask(options.socket, "log-level", params);
  const auto now = answer.at("level").get<std::string>();
  const auto before = answer.at("before").get<std::string>();
  if (options.output == "json") {
    std::cout << answer.dump(2) << "\n";
  } else {
    std::cout << now << (now == before ? "" : " (was " + before + ")") << "\n";
  }
  return kOk;
}

// Asks for `status`, which agents of all versions answer.
int show_version(const Options& options) {
  nlohmann::ordered_json agent;
  std::string trouble;
  try {
    agent = ask(options.socket, "status").at("version");
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  const auto versions = version_json(PELLICLE_VERSION, agent);
  std::cout << (options.output == "json" ? versions.dump(2) + "\n"
                                         : version_text(versions, trouble));
  return kOk;
}

void add_log_level_command(CLI::App& app, Options& options, int& status) {
  auto* command = app.add_subcommand(
      "log-level", "Shows what the agent logs, or changes it until the agent restarts");
  command->add_option("level", options.level, "The least that is logged from now on")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  command->callback([&options, &status] { status = log_level(options); });
}

}  // namespace

void add_agent_commands(CLI::App& app, Options& options, int& status) {
  auto* status_command = app.add_subcommand("status", "What is programmed, for whom, what failed");
  status_command->add_flag("-v,--verbose", options.verbose, "Every peer, and counts by table");
  status_command->callback([&options, &status] { status = show_status(options); });

  auto* diff_command =
      app.add_subcommand("diff", "What the next pass would change; changes nothing");
  diff_command->callback([&options, &status] { status = show_diff(options); });

  auto* endpoint_command = app.add_subcommand("endpoint", "The pods of this node");
  endpoint_command->require_subcommand(1);
  auto* list_command =
      endpoint_command->add_subcommand("list", "Name, addresses, device and container of each");
  list_command->callback([&options, &status] { status = list_endpoints(options); });

  auto* node_command =
      app.add_subcommand("node", "The nodes of the cluster, as this one knows them");
  node_command->require_subcommand(1);
  node_command
      ->add_subcommand("list", "PodCIDR, addresses and key of each, and what is done with it")
      ->callback([&options, &status] { status = list_nodes(options); });

  app.add_subcommand("config", "The settings that the agent runs with, defaults among them")
      ->callback([&options, &status] { status = show_config(options); });
  add_log_level_command(app, options, status);
  app.add_subcommand("version", "The versions of this command and of the agent")
      ->callback([&options, &status] { status = show_version(options); });
}

}  // namespace pellicle::ctl
