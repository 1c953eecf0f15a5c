// `pellicle bpf`: the content of the eBPF programs' pinned maps, read without the agent.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/bpf_use.h"
#include "tools/ctl/agent_socket.h"
#include "tools/ctl/bpf_text.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/exit.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

// Fails when the maps are missing, which is not the same as empty maps.
BpfDatapath readable(const Options& options) {
  const auto obstacle = maps_obstacle(options.cleanup.bpf_root);
  if (!obstacle.empty()) throw Unreachable(obstacle);
  return BpfDatapath(options.cleanup.bpf_root);
}

KernelState state_of(const Options& options) {
  KernelState state;
  readable(options).dump(state);
  return state;
}

int show(const Options& options, const Json& json, const std::function<std::string()>& text) {
  std::cout << (options.output == "json" ? json.dump(2) + "\n" : text());
  return kOk;
}

int show_maps(const Options& options) {
  const auto uses = map_use(options.cleanup.bpf_root);
  if (uses.empty()) throw Unreachable(maps_obstacle(options.cleanup.bpf_root));
  const auto json = bpf_maps_json(uses);
  return show(options, json, [&] { return bpf_maps_text(json); });
}

int show_peers(const Options& options) {
  const auto json = bpf_peers_json(state_of(options));
  return show(options, json, [&] { return bpf_peers_text(json); });
}

int show_endpoints(const Options& options) {
  const auto json = bpf_endpoints_json(state_of(options));
  return show(options, json, [&] { return bpf_endpoints_text(json); });
}

int show_drops(const Options& options) {
  const auto json = bpf_drops_json(readable(options).drops());
  return show(options, json, [&] { return bpf_drops_text(json, options.all); });
}

int show_datapath_config(const Options& options) {
  const auto json = bpf_config_json(state_of(options));
  return show(options, json, [&] { return bpf_config_text(json); });
}

// Works without maps: other programs on the hooks may be the reason why there are none.
int show_hooks(const Options& options) {
  BpfDatapath datapath(options.cleanup.bpf_root);
  KernelState state;
  datapath.dump(state);
  const auto hooks = datapath.hooks(state);
  const auto json = bpf_hooks_json(hooks);
  return show(options, json, [&] { return bpf_hooks_text(json, hook_problems(hooks)); });
}

}  // namespace

void add_bpf_commands(CLI::App& app, Options& options, int& status) {
  auto* bpf = app.add_subcommand("bpf", "What the eBPF programs go by; needs no agent");
  bpf->require_subcommand(1);
  bpf->add_option("--bpf-root", options.cleanup.bpf_root, "Where the maps are pinned")
      ->type_name("DIR")
      ->capture_default_str();
  bpf->add_subcommand("maps", "Type, entries and memory of each map")
      ->callback([&options, &status] { status = show_maps(options); });
  bpf->add_subcommand("hooks", "Programs on devices, with what others have there, in their order")
      ->callback([&options, &status] { status = show_hooks(options); });
  auto* endpoint = bpf->add_subcommand("endpoint", "The pods of this node");
  endpoint->require_subcommand(1);
  endpoint->add_subcommand("list", "Address, device and MAC addresses of each")
      ->callback([&options, &status] { status = show_endpoints(options); });
  auto* peer = bpf->add_subcommand("peer", "What is encrypted or dropped by its destination");
  peer->require_subcommand(1);
  peer->add_subcommand("list", "Networks, what they are, and the key of each")
      ->callback([&options, &status] { status = show_peers(options); });
  auto* drops = bpf->add_subcommand("drops", "Packets and bytes dropped, by reason");
  drops->add_flag("--all", options.all, "Reasons without a packet too");
  drops->callback([&options, &status] { status = show_drops(options); });
  bpf->add_subcommand("config", "Networks and devices of this node")->callback([&options, &status] {
    status = show_datapath_config(options);
  });
}

}  // namespace pellicle::ctl
