// The agent of one node: its files, its process and requests to it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/harness/lab/process.h"

namespace pellicle::lab {

// The path of a program of this build: next to the running one.
std::string program(const std::string& name);

class NodeAgent {
 public:
  // Writes the kubeconfig, the configuration and a boot id (all nodes share one kernel, which has
  // only one boot id) below /run/lab/<node>; starts nothing. `log` gets the output of every run.
  NodeAgent(std::string node, const std::string& kubeconfig, std::string log);

  // A kernel without netfilter tables gets an agent without chains. `extra`: further lines for the
  // configuration file, "pod-mtu = 1423\n"; `binary`: another build of the agent. LabError if it
  // runs already.
  void start(const std::string& extra = "", const std::string& binary = "pellicle-agent");
  int stop(Seconds limit = 10s);  // SIGTERM, and SIGKILL once `limit` is over; the exit status
  void kill();                    // SIGKILL, at once
  bool running();
  pid_t pid() const;  // of the last run; LabError if never started

  // The "result" of a request. ctl::Unreachable if no agent answers, ctl::Refused for an "error".
  nlohmann::ordered_json ask(const std::string& method,
                             const nlohmann::json& params = nlohmann::json::object()) const;

  std::string boot_id() const { return file_text(directory_ + "/boot_id").substr(0, 36); }
  // Simulates a reboot: another boot id, no pods, none of Pellicle's objects in the kernel, an
  // empty state directory. The agent must not run, and is not started.
  void reboot();

  // Waits until `status` reports ready; false if it does not within `limit` or the agent ends.
  bool wait_ready(Seconds limit = 60s);

  // Runs `pellicle <arguments>` in the node's namespace: "status", "cleanup --force".
  Result ctl(const std::string& arguments) const;

  // `pellicle cleanup --force <more>` with this node's folders.
  Result cleanup(const std::string& more = "") const;

  // The text of `pellicle status`, each run of blanks and line ends as one blank.
  std::string says() const;

  std::string log() const { return file_text(log_); }
  std::string state_dir() const { return directory_ + "/state"; }
  std::string bpf_root() const { return "/sys/fs/bpf/" + node_; }
  std::string cni_conf_dir() const { return directory_ + "/cni/net.d"; }
  std::string cni_bin_dir() const { return directory_ + "/cni/bin"; }
  std::string socket() const { return state_dir() + "/agent.sock"; }

 private:
  std::string node_;
  std::string directory_;
  std::string log_;
  std::optional<Process> process_;
};

}  // namespace pellicle::lab
