// Calls the plugin as a container runtime does: one process per call.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/harness/temporary_directory.h"

namespace pellicle {

using Json = nlohmann::json;
using Variables = std::map<std::string, std::string>;

// CNI_COMMAND and the variables of an attachment, as containerd sets them.
Variables attachment(const std::string& command);

// Our network configuration with `version`; fields of `more` are added, or replace others.
Json network(const std::string& version, const Json& more = Json::object());

struct Run {
  int status = -1;
  std::string out;
  std::string err;

  Json json() const { return Json::parse(out); }  // throws unless it is exactly one document
};

// The run failed with `code`, and its message or details contain `words`.
void check_error(const Run& run, int code, const std::string& words);
void check_silent_success(const Run& run);

// A directory with the agent's socket, and the built plugin.
class Runtime {
 public:
  Run run(const Variables& environment, const std::string& input) const;
  // With this directory's socket in the configuration.
  Run run(const Variables& environment, Json network) const;

  const std::string& folder() const { return folder_.path(); }
  std::string socket() const { return folder_.path() + "/agent.sock"; }
  std::string deletions() const { return folder_.path() + "/deletions"; }

 private:
  TemporaryDirectory folder_;
};

// Answers of an agent to pod-add.
extern const char* const kPod;
extern const char* const kDualStackPod;

std::string result_line(const std::string& json);
std::string error_line(int code, const std::string& message);

}  // namespace pellicle
