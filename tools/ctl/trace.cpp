#include "tools/ctl/trace.h"

#include <algorithm>
#include <iostream>

#include "agent/kernel/linux_kernel.h"
#include "agent/trace/trace.h"
#include "tools/ctl/exit.h"
#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

std::string as_text(const Trace& trace) {
  Screen screen(false);
  for (const auto& step : trace.steps) {
    screen.row((step.fine ? "  " : "! ") + step.where + ":");
    screen.paragraph(6, step.finding);
  }
  screen.paragraph(0, trace.verdict);
  return screen.text();
}

std::string as_json(const Trace& trace) {
  using Json = nlohmann::ordered_json;
  Json steps = Json::array();
  for (const auto& step : trace.steps) {
    steps.push_back({{"where", step.where}, {"finding", step.finding}, {"fine", step.fine}});
  }
  const Json json{{"end", end_name(trace.end)}, {"verdict", trace.verdict}, {"steps", steps}};
  return json.dump(2) + "\n";
}

}  // namespace

int trace_packet(const TraceOptions& options) {
  const auto from = IpAddress::parse(options.from);
  const auto to = IpAddress::parse(options.to);
  if (!from || !to) {
    std::cerr << "pellicle: trace: expected an IP address such as 10.0.1.52, found '"
              << (from ? options.to : options.from) << "'\n";
    return kUsage;
  }
  LinuxKernel kernel({.state_dir = options.state_dir, .bpf_root = options.bpf_root});
  const auto result = trace(kernel.dump(), *from, *to);
  std::cout << (options.json ? as_json(result) : as_text(result));
  const bool fine = std::all_of(result.steps.begin(), result.steps.end(),
                                [](const TraceStep& step) { return step.fine; });
  return fine && result.end != TraceEnd::dropped ? kOk : kDegraded;
}

}  // namespace pellicle::ctl
