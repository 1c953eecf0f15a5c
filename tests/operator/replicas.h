// A cluster's API, and the operator's replicas as separate processes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/lab/process.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle {

class Replicas {
 public:
  // `options`: for each replica. `lease`: lease duration in seconds, short enough that a killed
  // replica is replaced soon, long enough that a slow one on a busy machine keeps its Lease.
  explicit Replicas(std::vector<std::string> options, int lease = 12);
  // With --cluster-pool-ipv4-cidr.
  explicit Replicas(const std::string& pool, int lease = 12)
      : Replicas(std::vector<std::string>{"--cluster-pool-ipv4-cidr", pool}, lease) {}

  void start(const std::string& name);
  void kill(const std::string& name);  // SIGKILL
  int stop(const std::string& name);   // SIGTERM; returns the exit status
  bool running(const std::string& name);
  std::string log(const std::string& name) const;
  std::string acting();  // the running replica that holds the Lease; empty: none

  // Creates the Node without a PodCIDR, as kubelet does.
  void register_node(const std::string& name);
  // The Nodes' spec.podCIDR, without Nodes that have none. Also checks that an annotation holds the
  // same value.
  std::map<std::string, std::string> assigned();
  bool wait_until_assigned(size_t count, lab::Seconds limit = lab::Seconds(120));
  std::vector<std::string> events(const std::string& reason);  // names of Nodes, sorted

  ApiFixture api;

 private:
  std::string log_path(const std::string& name) const;

  TemporaryDirectory files_;
  std::vector<std::string> options_;
  int lease_;
  std::map<std::string, lab::Process> processes_;
};

// Checks the API's complete history, which no client in a cluster can see. Returns a sentence for
// each moment in which PodCIDRs of two Nodes overlapped, and for each PodCIDR that changed.
std::vector<std::string> complaints(const ApiFixture& api);

}  // namespace pellicle
