// The agent of one node: its files, its process and the questions put to it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/harness/lab/process.h"

namespace pellicle::lab {

// Where the programs of this build are: next to the running one.
std::string program(const std::string& name);

class NodeAgent {
 public:
  // Writes the kubeconfig, the configuration and a boot id (nodes of one kernel have none of their
  // own) below /run/lab/<node>; starts nothing. `log` gets the output of every run.
  NodeAgent(std::string node, const std::string& kubeconfig, std::string log);

  // `extra` are more lines of the configuration file: "pod-mtu = 1423\n"; `binary` is another build
  // of the agent. LabError when it runs.
  void start(const std::string& extra = "", const std::string& binary = "pellicle-agent");
  int stop(Seconds limit = 10s);  // SIGTERM, and SIGKILL once `limit` is over; the exit status
  void kill();                    // SIGKILL, at once
  bool running();
  pid_t pid() const;  // of the last run; LabError when it was never started

  // The "result" of a request. ctl::Unreachable when nobody answers, ctl::Refused for an "error".
  nlohmann::ordered_json ask(const std::string& method,
                             const nlohmann::json& params = nlohmann::json::object()) const;

  std::string boot_id() const { return file_text(directory_ + "/boot_id").substr(0, 36); }
  // As after a reboot: another boot id, no pods, nothing of ours in the kernel, an empty state
  // directory. The agent must not run, and is not started.
  void reboot();

  // Until `status` says ready; false when it did not within `limit` or the agent ended.
  bool wait_ready(Seconds limit = 60s);

  // `pellicle <arguments>` of this node, run in its namespace: "status", "cleanup --force".
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
