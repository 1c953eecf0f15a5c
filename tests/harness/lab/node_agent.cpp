#include "tests/harness/lab/node_agent.h"

#include <filesystem>
#include <sstream>

#include "tests/harness/api/resource.h"
#include "tests/harness/netfilter_tables.h"
#include "tools/ctl/agent_socket.h"

namespace pellicle::lab {

std::string program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

NodeAgent::NodeAgent(std::string node, const std::string& kubeconfig, std::string log)
    : node_(std::move(node)), directory_("/run/lab/" + node_), log_(std::move(log)) {
  std::filesystem::create_directories(state_dir());
  write_file(directory_ + "/kubeconfig", kubeconfig);
  write_file(directory_ + "/boot_id", api::new_uid() + "\n");
}

void NodeAgent::reboot() {
  const Result done = cleanup();
  if (!done.ok()) throw LabError("cleanup of " + node_ + ": " + done.output);
  std::filesystem::remove_all(state_dir());
  std::filesystem::create_directories(state_dir());
  write_file(directory_ + "/boot_id", api::new_uid() + "\n");
}

void NodeAgent::start(const std::string& extra, const std::string& binary) {
  if (running()) throw LabError("the agent of " + node_ + " runs already");
  for (const char* setting : {"host-encryption = true", "native-routing-cidr = "}) {
    if (extra.find(setting) != std::string::npos) need_netfilter_tables(setting);
  }
  const std::string file = directory_ + "/agent.conf";
  // The agents' health probes appear on the wires that tests capture, so they are off unless a test
  // sets their interval.
  const bool asks = extra.find("cluster-health-interval") != std::string::npos;
  write_file(file, "node-name = \"" + node_ + "\"\nkubeconfig = \"" + directory_ +
                       "/kubeconfig\"\nstate-dir = \"" + state_dir() + "\"\nbpf-root = \"" +
                       bpf_root() + "\"\nboot-id-file = \"" + directory_ +
                       "/boot_id\"\ncni-conf-dir = \"" + cni_conf_dir() + "\"\ncni-bin-dir = \"" +
                       cni_bin_dir() + "\"\nlog-level = \"debug\"\n" +
                       (asks ? "" : "cluster-health-interval = 0\n") +
                       (lacks_netfilter_tables() ? "netfilter = false\n" : "") + extra);
  process_.emplace(std::vector<std::string>{program(binary), "--config", file}, log_, node_);
}

int NodeAgent::stop(Seconds limit) {
  if (!process_) throw LabError("the agent of " + node_ + " was never started");
  return process_->stop(SIGTERM, limit);
}

void NodeAgent::kill() {
  if (!process_) throw LabError("the agent of " + node_ + " was never started");
  process_->stop(SIGKILL);
}

pid_t NodeAgent::pid() const {
  if (!process_) throw LabError("the agent of " + node_ + " was never started");
  return process_->pid();
}

bool NodeAgent::running() {
  return process_ && process_->running();
}

nlohmann::ordered_json NodeAgent::ask(const std::string& method,
                                      const nlohmann::json& params) const {
  return ctl::ask(socket(), method, params);
}

bool NodeAgent::wait_ready(Seconds limit) {
  bool ready = false;
  wait_until(
      [&] {
        if (!running()) return true;
        try {
          ready = ask("status").value("ready", false);
        } catch (const ctl::Unreachable&) {
        }
        return ready;
      },
      limit);
  return ready;
}

Result NodeAgent::ctl(const std::string& arguments) const {
  return sh_in(node_, program("pellicle") + " --socket " + socket() + " " + arguments);
}

Result NodeAgent::cleanup(const std::string& more) const {
  return ctl("cleanup --force --state-dir " + state_dir() + " --bpf-root " + bpf_root() +
             " --cni-conf-dir " + cni_conf_dir() + " --cni-bin-dir " + cni_bin_dir() + " " + more);
}

std::string NodeAgent::says() const {
  std::istringstream words(ctl("status").output);
  std::string text;
  for (std::string word; words >> word;) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace pellicle::lab
