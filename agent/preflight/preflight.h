// `pellicle preflight`: can this node run an agent, and what stands in the way? Nothing on the node
// is changed: nothing is attached, pinned or written, and no module is loaded but what the kernel
// itself loads to answer a question.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agent/config.h"
#include "agent/preflight/finding.h"

namespace pellicle {

struct PreflightOptions {
  Config config;               // the agent's, or its defaults
  std::string config_problem;  // why these are the defaults although there is a file
  bool agent_answers = false;  // an agent runs on this node
};

// Everything is looked at, whatever of it cannot be. In the network namespace of the calling
// thread; takes ten seconds more where the API server does not answer.
Findings preflight(const PreflightOptions& options);

// {"kernel", "verdict", "hopeless", "counts": {"ok": 12, ...}, "findings": [{"topic", "what",
// "found", "verdict", "remedy"}]}
nlohmann::ordered_json preflight_json(const Findings& findings, const std::string& release);

}  // namespace pellicle
