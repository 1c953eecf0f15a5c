// `pellicle trace`: where a packet would go, by what this node's kernel holds. No agent is needed.
#pragma once

#include <string>

namespace pellicle::ctl {

struct TraceOptions {
  std::string from;  // addresses
  std::string to;
  std::string state_dir;
  std::string bpf_root;
  bool json = false;
};

// Exit status: kOk when everything is as it should be on the way, kDegraded when something is
// missing or the packet is dropped, kUsage for what is no address. Throws std::exception.
int trace_packet(const TraceOptions& options);

}  // namespace pellicle::ctl
