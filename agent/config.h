// The agent's configuration: flags, a file of `name = value` lines with the same names, and the
// defaults of both.
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
  std::vector<Cidr> node_address_cidrs;  // which of a Node's InternalIPs count, see decode_node()
  bool allow_weak_algorithms = false;    // hmac(md5) and hmac(sha1) in the key Secret
  std::string kubeconfig;                // empty: the pod's service account
  std::string service_host;  // replaces KUBERNETES_SERVICE_HOST, when kube-proxy is not up yet
  std::string service_port;
  std::string state_dir =
      "/var/run/pellicle";  // a tmpfs: its files live as long as the kernel's objects
  std::string bpf_root = "/sys/fs/bpf/pellicle";
  std::string socket;  // empty: <state_dir>/agent.sock
  std::string boot_id_file = kBootIdFile;
  std::chrono::seconds key_rotation_duration{300};  // as Cilium's ipsec-key-rotation-duration
  // Interval of full comparisons with the kernel, for changes without notification. 0: depends on
  // the cost of one, see pause_of_idle().
  unsigned resync_seconds = 0;
  // Interval of health probes to each other node, in clusters of up to 300 nodes. 0: no probes, and
  // other nodes cannot probe this one.
  std::chrono::seconds cluster_health_interval{30};
  // ADDRESS:PORT of /healthz, /readyz and /metrics; the port is that of Cilium's agent. Empty: not
  // served.
  std::string health_address = "127.0.0.1:9879";
  std::string peer_metrics = "auto";             // a dozen series per peer: true, false, auto
  std::map<std::string, std::string> effective;  // every setting by name, with defaults filled in
  std::string log_level = "info";
  log::Format log_format = log::Format::json;

  std::string socket_path() const { return socket.empty() ? state_dir + "/agent.sock" : socket; }
};

// What main does: run with `config`, or print `text` and exit with `status`.
struct CommandLine {
  Config config;
  bool run = true;
  int status = 0;
  std::string text;
};

// `arguments` excludes the program's name. A bad value gives run=false, status 2 and one sentence
// that names the setting.
CommandLine parse_command_line(std::vector<std::string> arguments);

}  // namespace pellicle
