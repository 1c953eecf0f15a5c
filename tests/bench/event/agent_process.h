// The shipped agent with an API server, and the kernel's route notifications.
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
  ~AgentProcess();  // ends the process
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  double memory(const std::string& field) const;  // MiB, from /proc/<pid>/status
  double cpu_seconds() const;                     // its own and its child processes'

 private:
  pid_t process_ = 0;
};

// Receives every route that is added in this network namespace.
class RouteNews {
 public:
  RouteNews();
  // Waits until `count` routes to `network` were added since the last call. Returns milliseconds
  // since `start` (CLOCK_MONOTONIC). Throws std::runtime_error after a minute.
  double wait_for(const std::string& network, int count, double start);

 private:
  FileDescriptor socket_;
};

double now();  // milliseconds, CLOCK_MONOTONIC

}  // namespace pellicle::bench
