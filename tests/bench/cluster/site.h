// A cluster of simulated nodes at an API server, and what an action in it costs.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "tests/bench/cluster/child.h"
#include "tests/harness/api/api_fixture.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::bench {

// How agents see other Nodes.
enum class Form { full, metadata };

struct Cost {
  double patches = 0;                // of Nodes by agents
  double most_patches = 0;           // by one agent
  double events = 0;                 // of watches, an agent
  double bytes = 0;                  // from the server, an agent
  double agent_cpu = 0;              // ms, an agent
  double server_cpu = 0;             // ms
  double reads = 0;                  // LISTs and GETs of Nodes
  std::set<std::string> new_epochs;  // nodes that have begun one
  double seconds = 0;                // until the last request or event
};

class Site {
 public:
  // Nodes 1 to `count` with their agents, and an operator; returns when nothing happens any more.
  Site(size_t count, Form form);

  // Runs `action` and waits until nothing happens any more.
  Cost cost_of(const std::function<void()>& action);

  size_t count() const { return count_; }
  ApiFixture& api() { return api_; }
  Child& agents() { return *agents_; }
  void restart_operator();
  void heartbeats(size_t round);  // one of each Node

 private:
  void start_operator();
  double wait_until_quiet();
  std::map<std::string, std::string> all_say(const char* annotation) const;
  bool all_announced() const;

  size_t count_;
  ApiFixture api_;
  TemporaryDirectory files_;
  std::unique_ptr<Child> agents_;
  std::unique_ptr<Child> operator_;
};

}  // namespace pellicle::bench
