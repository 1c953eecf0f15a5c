// The operator's settings: flags, or a file of `name = value` lines with the same names.
#pragma once

#include <string>
#include <vector>

#include "agent/log.h"
#include "tools/operator/cidr_pool.h"
#include "tools/operator/election.h"
#include "tools/operator/key_policy.h"
#include "tools/operator/node_taints.h"

namespace pellicle {

struct OperatorOptions {
  std::vector<CidrPool> pools;
  std::vector<Cidr> reserved;
  KeyPolicy key_policy;
  Milliseconds key_look_period{30'000};
  TaintPolicy taint_policy;
  ElectionSettings election;
  std::string kubeconfig;  // empty: the pod's service account
  std::string service_host;
  std::string service_port;
  std::string health_address = "127.0.0.1:9234";
  std::string await;           // NAMESPACE/NAME: only wait for this DaemonSet
  unsigned await_limit = 300;  // seconds
  std::string host;            // reported in Events
  std::string log_level = "info";
  log::Format log_format = log::Format::json;
};

// What main does: run with `options`, or print `text` and exit with `status`.
struct OperatorCommandLine {
  OperatorOptions options;
  bool run = true;
  int status = 0;
  std::string text;
};

// `arguments` excludes the program's name. A bad value gives run=false, status 2 and one sentence
// that names the setting.
OperatorCommandLine parse_operator_command_line(std::vector<std::string> arguments);

}  // namespace pellicle
