// `pellicle trace`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "agent/core/narrow_paths.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/trace/trace.h"
#include "tools/ctl/commands.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

std::string as_text(const Trace& trace) {
  Screen screen(false);
  for (const auto& step : trace.steps) {
    // The finding "route 10.0.0.0/24 dev cilium_host table 200" names its place itself; "program
    // pell_lxc_in" does not.
    const auto kind = step.where.substr(0, step.where.find_first_of(", "));
    const auto text =
        step.finding.starts_with(kind) ? step.finding : step.where + ": " + step.finding;
    screen.paragraph(2, (step.fine ? "" : "! ") + text);
  }
  screen.paragraph(0, trace.verdict);
  return screen.text();
}

std::string as_json(const Trace& trace) {
  auto steps = nlohmann::ordered_json::array();
  for (const auto& step : trace.steps) {
    steps.push_back({{"where", step.where}, {"finding", step.finding}, {"fine", step.fine}});
  }
  const nlohmann::ordered_json json{
      {"end", end_name(trace.end)}, {"verdict", trace.verdict}, {"steps", steps}};
  return json.dump(2) + "\n";
}

int trace_packet(const Options& options) {
  const auto from = IpAddress::parse(options.trace_from);
  const auto to = IpAddress::parse(options.trace_to);
  if (!from || !to) {
    std::cerr << "pellicle: trace: expected an IP address such as 10.0.1.52, found '"
              << (from ? options.trace_to : options.trace_from) << "'\n";
    return kUsage;
  }
  LinuxKernel kernel(
      {.state_dir = options.cleanup.state_dir, .bpf_root = options.cleanup.bpf_root});
  const NarrowPaths paths(options.cleanup.state_dir);
  const auto result = trace(kernel.dump(), *from, *to, paths.at(NarrowPaths::Clock::now()));
  std::cout << (options.output == "json" ? as_json(result) : as_text(result));
  const bool fine = std::all_of(result.steps.begin(), result.steps.end(),
                                [](const TraceStep& step) { return step.fine; });
  return fine && result.end != TraceEnd::dropped ? kOk : kDegraded;
}

}  // namespace

void add_trace_command(CLI::App& app, Options& options, int& status) {
  auto* command = app.add_subcommand(
      "trace",
      "Where a packet would go, decision by decision, and what is missing; needs no agent");
  command->add_option("from", options.trace_from, "A pod of this node, or a peer's")
      ->type_name("IP")
      ->required();
  command->add_option("to", options.trace_to, "Anybody, or a pod of this node")
      ->type_name("IP")
      ->required();
  command
      ->add_option("--state-dir", options.cleanup.state_dir, "Where the agent keeps what it knows")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--bpf-root", options.cleanup.bpf_root, "Where the maps are pinned")
      ->type_name("DIR")
      ->capture_default_str();
  command->callback([&options, &status] { status = trace_packet(options); });
}

}  // namespace pellicle::ctl
