// The answer of a CNI plugin to VERSION.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace pellicle {

struct PluginAnswer {
  std::vector<std::string> versions = {};  // of the specification, as the plugin lists them
  std::optional<std::array<unsigned, 3>> release = {};  // {1, 9, 1}; none: it does not say
  std::string trouble = {};  // why there are no versions; empty: it gave them
};

inline constexpr std::chrono::milliseconds kPluginLimit{10'000};  // to one question

// Asks it with the verb VERSION; its release, if that counts, as the plugins of the CNI project
// tell it: on stderr when there is no CNI_COMMAND. Waits, until `stop` at most; runs the plugin
// with the calling thread's rights. Throws nothing.
PluginAnswer ask_plugin(const std::string& path, const std::stop_token& stop = {},
                        std::chrono::milliseconds limit = kPluginLimit);

// The release in "CNI bandwidth plugin v1.9.1-k3s1". Pure.
std::optional<std::array<unsigned, 3>> release_in(const std::string& text);

}  // namespace pellicle
