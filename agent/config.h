// The agent's configuration: flags, a file of `name = value` lines with the same names, and one
// place for defaults.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "agent/cni/installation.h"
#include "agent/keys/boot_id.h"
#include "agent/log.h"
#include "agent/model/inputs.h"

namespace pellicle {

struct Config {
  Settings settings;
  CniSettings cni;
  std::vector<Cidr>
      node_address_cidrs;  // of a Node's InternalIPs those that count, see decode_node()
  bool allow_weak_algorithms = false;  // hmac(md5) and hmac(sha1) in the key Secret
  std::string kubeconfig;              // empty: the pod's service account
  std::string service_host;  // in place of KUBERNETES_SERVICE_HOST, when kube-proxy is not up yet
  std::string service_port;
  std::string state_dir =
      "/var/run/pellicle";  // a tmpfs: what it remembers is as old as the kernel's state
  std::string bpf_root = "/sys/fs/bpf/pellicle";
  std::string socket;  // empty: <state_dir>/agent.sock
  std::string boot_id_file = kBootIdFile;
  std::chrono::seconds key_rotation_duration{300};  // as Cilium's ipsec-key-rotation-duration
  // Between full comparisons with the kernel, for what sends no notification; 0: by what one costs.
  unsigned resync_seconds = 0;
  // How often each other node is asked whether it can be reached, in clusters of up to 300; 0:
  // never, and nobody can ask this one.
  std::chrono::seconds cluster_health_interval{30};
  // ADDRESS:PORT of /healthz, /readyz and /metrics, the port as Cilium's agent has it; empty: none
  std::string health_address = "127.0.0.1:9879";
  bool peer_metrics = true;                      // a dozen series for every peer
  std::map<std::string, std::string> effective;  // every setting by its name, defaults among them
  std::string log_level = "info";
  log::Format log_format = log::Format::json;

  std::string socket_path() const { return socket.empty() ? state_dir + "/agent.sock" : socket; }
};

// What main must do: run with `config`, or print `text` and exit with `status`.
struct CommandLine {
  Config config;
  bool run = true;
  int status = 0;
  std::string text;
};

// `arguments` without the program's name. A bad value gives run=false, status 2 and one sentence
// that names it.
CommandLine parse_command_line(std::vector<std::string> arguments);

}  // namespace pellicle
