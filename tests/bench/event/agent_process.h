// The agent as it is shipped, beside an API server, and what the kernel tells of what it does.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "agent/kernel/file_descriptor.h"
#include "tests/bench/scale/site.h"
#include "tests/harness/api/api_fixture.h"

namespace pellicle::bench {

class AgentProcess {
 public:
  AgentProcess(const Site& site, const ApiFixture& api, const std::string& token);
  ~AgentProcess();  // ends it
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  double memory(const std::string& field) const;  // MB, of /proc/<pid>/status
  double cpu_seconds() const;                     // its own and that of the tools it ran

 private:
  pid_t process_ = 0;
};

// Every route that is added in this network namespace is heard of.
class RouteNews {
 public:
  RouteNews();
  // Waits until so many routes to `network` were added since the last call; milliseconds since
  // `start` (of CLOCK_MONOTONIC). Throws std::runtime_error after a minute.
  double wait_for(const std::string& network, int count, double start);

 private:
  FileDescriptor socket_;
};

double now();  // milliseconds

}  // namespace pellicle::bench
