// Storage for the options of all commands: CLI11 writes the parsed values here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/ctl/cleanup.h"
#include "tools/ctl/key_rotate.h"

namespace pellicle::ctl {

struct Options {
  std::string socket = "/var/run/pellicle/agent.sock";
  std::string output = "text";
  bool verbose = false;
  bool force = false;
  std::optional<uint32_t> spi;
  bool stale = false;
  bool all = false;
  std::string level;       // empty: show the current level
  bool wireshark = false;  // the only export format
  std::string kubeconfig;
  RotateOptions rotate;
  std::string archive;
  std::string trace_from;  // addresses
  std::string trace_to;
  std::string shell;  // of `completion`
  std::vector<std::string> files;
  std::string agent_file;  // of settings; empty: where the chart puts it
  CleanupOptions cleanup{.state_dir = "/var/run/pellicle", .bpf_root = "/sys/fs/bpf/pellicle"};
};

}  // namespace pellicle::ctl
