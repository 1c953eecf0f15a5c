// What the plugins called after ours allow the configuration list to say. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/cni/plugin_answer.h"
#include "agent/model/node.h"

namespace pellicle {

struct ChainedPlugin {
  std::string type;  // "portmap"
  PluginAnswer answer;
};

// For runtimes that know of one version alone: Debian 12's containerd refuses a result in a newer
// one.
inline constexpr const char* kVersionOfOldRuntimes = "1.0.0";

// The versions that the list offers, the oldest first, at least one: the newest up to 1.0.0 that
// all plugins and ours speak, and those above it that all speak. Of a plugin that does not
// answer 1.0.0 is believed and no more.
std::vector<std::string> offered_versions(const std::vector<ChainedPlugin>& chain);

// Whether a runtime may ask for CHECK. Not with a bandwidth before 1.9.1, which crashes when it is
// asked about a pod without limits (seen with Debian's 1.1.1), or one that does not tell its
// release.
bool may_check(const std::vector<ChainedPlugin>& chain);

// A sentence for each plugin that does not answer, and one when no version is common to all.
// `folder`: where the plugins are.
std::vector<Problem> problems_of(const std::vector<ChainedPlugin>& chain,
                                 const std::string& folder);

}  // namespace pellicle
