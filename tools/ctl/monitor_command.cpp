#include "tools/ctl/monitor_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "tools/ctl/agent_socket.h"
#include "tools/ctl/monitor.h"

namespace pellicle::ctl {

namespace {

struct Arguments {
  MonitorOptions options;
  std::vector<std::string> from;
  std::vector<std::string> to;
  std::vector<std::string> related;
  std::vector<std::string> nodes;
  std::vector<std::string> types;
};

// CLI11 expects an error sentence from a validator; empty means that the value is good.
std::string address_or_network(const std::string& value) {
  return parse_network(value) ? ""
                              : "expected an address or a network such as 10.0.1.52 or "
                                "fd00:10:1::/64, found '" +
                                    value + "'";
}

std::vector<Cidr> networks(const std::vector<std::string>& texts) {
  std::vector<Cidr> all;
  all.reserve(texts.size());
  for (const auto& text : texts) all.push_back(parse_network(text).value());
  return all;
}

std::set<EventKind> kinds(const std::vector<std::string>& names) {
  std::set<EventKind> all;
  for (const auto& name : names) {
    const auto found = std::find(kEventKinds.begin(), kEventKinds.end(), name);
    all.insert(static_cast<EventKind>(found - kEventKinds.begin()));
  }
  return all;
}

// Without an agent, an address still matches itself.
std::vector<Cidr> networks_by_agent(const std::string& socket, const std::string& node) {
  try {
    auto found = networks_of_node(ask(socket, "status"), node);
    if (!found.empty()) return found;
    throw std::runtime_error("--node: the agent knows of no node " + node);
  } catch (const Unreachable& error) {
    const auto address = IpAddress::parse(node);
    if (!address) throw;
    std::cerr << "pellicle: " << error.what() << "; showing what is from or to " << node
              << " itself, not its pods\n";
    return {Cidr::host(*address)};
  }
}

int run(Arguments& arguments, const std::string& socket, bool json) {
  auto& options = arguments.options;
  options.json = json;
  options.kinds = kinds(arguments.types);
  options.filter = {.from = networks(arguments.from),
                    .to = networks(arguments.to),
                    .related = networks(arguments.related),
                    .nodes = {}};
  for (const auto& node : arguments.nodes) {
    for (const auto& network : networks_by_agent(socket, node))
      options.filter.nodes.push_back(network);
  }
  return monitor(options);
}

void add_filters(CLI::App& command, Arguments& arguments) {
  const auto add = [&](const char* name, std::vector<std::string>& into, const char* help) {
    return command.add_option(name, into, help)->delimiter(',')->type_name("IP|CIDR");
  };
  add("--from", arguments.from, "Only from there: a pod, or of ESP the node's cilium_host")
      ->check(address_or_network);
  add("--to", arguments.to, "Only to there")->check(address_or_network);
  add("--related-to", arguments.related, "Only from or to there")->check(address_or_network);
  add("--node", arguments.nodes, "Only from or to this node, its pods and its cilium_host")
      ->type_name("NAME|IP");
  command.add_option("--type", arguments.types, "Only events of these kinds")
      ->delimiter(',')
      ->check(CLI::IsMember(std::vector<std::string>(kEventKinds.begin(), kEventKinds.end())));
}

}  // namespace

void add_monitor_command(CLI::App& app, const std::string& socket, const std::string& output,
                         int& status) {
  const auto arguments = std::make_shared<Arguments>();  // lives as long as the callback
  auto* command = app.add_subcommand(
      "monitor", "What the datapath does with packets, a line each as it happens");
  add_filters(*command, *arguments);
  command
      ->add_option("--sample", arguments->options.one_in,
                   "Only one in so many, picked at random, on a busy node")
      ->check(CLI::Range(1U, std::numeric_limits<uint32_t>::max()))
      ->capture_default_str();
  command->add_option("--count", arguments->options.count, "End after so many")
      ->check(CLI::Range(uint64_t{1}, std::numeric_limits<uint64_t>::max()));
  command
      ->add_option("--bpf-root", arguments->options.bpf_root, "Where the agent has pinned its maps")
      ->capture_default_str();
  command->callback([arguments, &socket, &output, &status] {
    status = run(*arguments, socket, output == "json");
  });
}

}  // namespace pellicle::ctl
