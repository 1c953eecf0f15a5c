// A cluster's API and the operator's replicas, which are processes of their own.
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
  // `options` are for each of them; `lease` are the seconds an unrenewed Lease is respected for:
  // one that was killed is replaced soon, one on a busy machine not taken for dead.
  explicit Replicas(std::vector<std::string> options, int lease = 12);
  // With --cluster-pool-ipv4-cidr.
  explicit Replicas(const std::string& pool, int lease = 12)
      : Replicas(std::vector<std::string>{"--cluster-pool-ipv4-cidr", pool}, lease) {}

  void start(const std::string& name);
  void kill(const std::string& name);  // SIGKILL
  int stop(const std::string& name);   // SIGTERM; the exit status
  bool running(const std::string& name);
  std::string log(const std::string& name) const;
  std::string acting();  // the replica whose process holds the Lease; empty: none that lives

  // As kubelet registers it, without a PodCIDR.
  void register_node(const std::string& name);
  // The Nodes' spec.podCIDR; a Node without one is absent. It is checked that an annotation says
  // the same.
  std::map<std::string, std::string> assigned();
  bool wait_until_assigned(size_t count, lab::Seconds limit = lab::Seconds(120));
  std::vector<std::string> events(const std::string& reason);  // Nodes' names, sorted

  ApiFixture api;

 private:
  std::string log_path(const std::string& name) const;

  TemporaryDirectory files_;
  std::vector<std::string> options_;
  int lease_;
  std::map<std::string, lab::Process> processes_;
};

// Reads the API's history as nobody in a cluster can: a sentence for each moment in which two Nodes
// had PodCIDRs that overlap, and for each PodCIDR that changed.
std::vector<std::string> complaints(const ApiFixture& api);

}  // namespace pellicle
