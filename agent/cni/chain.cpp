#include "agent/cni/chain.h"

#include <algorithm>
#include <array>

#include "agent/cni/versions.h"

namespace pellicle {

namespace {

constexpr std::array<unsigned, 3> kCheckMended{1, 9, 1};

bool speaks(const ChainedPlugin& plugin, std::string_view version) {
  const auto& versions = plugin.answer.versions;
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

bool is_silent(const ChainedPlugin& plugin) {
  return !plugin.answer.trouble.empty();
}

// By ours and all that answer, the oldest first.
std::vector<std::string> common_versions(const std::vector<ChainedPlugin>& chain) {
  std::vector<std::string> common;
  for (const auto version : cni::kVersions) {
    if (std::all_of(chain.begin(), chain.end(), [version](const ChainedPlugin& each) {
          return is_silent(each) || speaks(each, version);
        })) {
      common.emplace_back(version);
    }
  }
  return common;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::vector<std::string> offered_versions(const std::vector<ChainedPlugin>& chain) {
  auto common = common_versions(chain);
  if (common.empty()) return {kVersionOfOldRuntimes};
  const auto newer = std::find_if(common.begin(), common.end(), [](const std::string& version) {
    return !cni::is_at_least(kVersionOfOldRuntimes, version);
  });
  if (newer == common.begin()) return common;
  const bool sure = std::none_of(chain.begin(), chain.end(), is_silent);
  return {std::prev(newer), sure ? common.end() : newer};
}

bool may_check(const std::vector<ChainedPlugin>& chain) {
  return std::none_of(chain.begin(), chain.end(), [](const ChainedPlugin& each) {
    return each.type == "bandwidth" && !(each.answer.release >= kCheckMended);
  });
}

std::vector<Problem> problems_of(const std::vector<ChainedPlugin>& chain,
                                 const std::string& folder) {
  std::vector<Problem> problems;
  const auto offered = listed(offered_versions(chain));
  for (const auto& plugin : chain) {
    if (!is_silent(plugin)) continue;
    problems.push_back(
        {"CNI plugin " + folder + "/" + plugin.type, "",
         "does not say which CNI versions it speaks, so the runtime is offered " + offered +
             " alone; expected an answer to VERSION, found: " + plugin.answer.trouble});
  }
  if (common_versions(chain).empty()) {
    std::string words;
    for (const auto& plugin : chain) {
      if (is_silent(plugin)) continue;
      words += (words.empty() ? "" : "; ") + plugin.type + ": " + listed(plugin.answer.versions);
    }
    problems.push_back({"CNI plugins", "",
                        "have no CNI version in common with pellicle-cni, so new pods are refused "
                        "by one of them; expected one of " +
                            listed({cni::kVersions.begin(), cni::kVersions.end()}) + ", found " +
                            words});
  }
  return problems;
}

}  // namespace pellicle
