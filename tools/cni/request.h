// What a runtime wants, in the words of the agent: the translation from (environment, stdin).
#pragma once

#include <string>

#include "tools/cni/configuration.h"
#include "tools/cni/environment.h"

namespace pellicle::cni {

struct Request {
  Verb verb = Verb::version;
  std::string version;  // the result is written in; for VERSION whatever was asked, our newest
                        // when nothing was
  std::string socket;   // the agent's
  std::string method;   // of the agent's API
  Json params;          // its parameters
  std::string ifname;
  std::string netns;  // where its params say "netnsPassed", a descriptor of it goes with them
  std::chrono::seconds wait{};   // for an agent that is not there yet
  std::chrono::seconds grace{};  // how long its last "ready" counts
  Json dns = Json::object();     // handed through to the result of ADD
};

// Pure. Failure when something is missing or wrong.
Request request(const Environment& environment, const std::string& input);

}  // namespace pellicle::cni
