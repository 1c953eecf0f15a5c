#include "agent/cni/plugin_answer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "agent/cni/versions.h"
#include "agent/kernel/command.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr size_t kLongestAnswer = 65536;  // bytes; a plugin's has about a hundred
constexpr size_t kLongestQuote = 200;

// By the binary without arguments; what it is asked is in the environment.
struct Question {
  std::string path;
  std::stop_token stop;
  std::chrono::milliseconds limit;

  CommandResult answer(std::vector<std::string> environment, std::string input) const {
    return run_command({.arguments = {path},
                        .input = std::move(input),
                        .environment = std::move(environment),
                        .limit = limit,
                        .longest_output = kLongestAnswer,
                        .stop = stop});
  }
};

// The first line of what it said, for a sentence.
std::string quoted(const std::string& text) {
  auto line = text.substr(0, std::min(text.find('\n'), kLongestQuote));
  for (char& c : line) {
    if (c < ' ' || c > '~') c = '?';
  }
  return line.empty() ? "" : " (" + line + ")";
}

std::vector<std::string> versions_in(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto list = json.is_object() ? json.find("supportedVersions") : json.end();
  std::vector<std::string> versions;
  if (list == json.end() || !list->is_array()) return versions;
  for (const auto& each : *list) {
    if (each.is_string()) versions.push_back(each.get<std::string>());
  }
  return versions;
}

std::vector<std::string> spoken_versions(const Question& question) {
  // A plugin may read a configuration, or only its version, or nothing.
  const auto result =
      question.answer({"CNI_COMMAND=VERSION"}, nlohmann::json{{"cniVersion", cni::kNewest}}.dump());
  if (result.status != 0) {
    throw std::runtime_error("exit status " + std::to_string(result.status) +
                             quoted(result.errors.empty() ? result.output : result.errors));
  }
  auto versions = versions_in(result.output);
  if (versions.empty()) {
    throw std::runtime_error("its answer has no supportedVersions" + quoted(result.output));
  }
  return versions;
}

// The kernel says the same of a program that is not there and of one whose loader is not.
std::string why_not_run(const std::string& path, const std::exception& error) {
  const auto* refused = dynamic_cast<const OsError*>(&error);
  const bool lacks_loader =
      refused != nullptr && refused->error() == ENOENT && ::access(path.c_str(), F_OK) == 0;
  return lacks_loader ? " (the loader that it names, which is not where the agent runs)" : "";
}

}  // namespace

std::optional<std::array<unsigned, 3>> release_in(const std::string& text) {
  constexpr std::string_view before = " plugin v";
  const auto at = text.find(before);
  std::array<unsigned, 3> release{};
  if (at == std::string::npos || std::sscanf(text.c_str() + at + before.size(), "%5u.%5u.%5u",
                                             &release[0], &release[1], &release[2]) != 3) {
    return std::nullopt;
  }
  return release;
}

PluginAnswer ask_plugin(const std::string& path, const std::stop_token& stop,
                        std::chrono::milliseconds limit) {
  const Question question{.path = path, .stop = stop, .limit = limit};
  PluginAnswer answer;
  try {
    answer.versions = spoken_versions(question);
    if (path.ends_with("/bandwidth")) answer.release = release_in(question.answer({}, "").errors);
  } catch (const std::exception& error) {
    if (answer.versions.empty()) answer.trouble = error.what() + why_not_run(path, error);
  }
  return answer;
}

}  // namespace pellicle
