// Shows what the datapath does with packets, as it happens.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/ctl/monitor_filter.h"

namespace pellicle::ctl {

struct MonitorOptions {
  std::string bpf_root = "/sys/fs/bpf/pellicle";
  bool json = false;
  MonitorFilter filter;
  std::set<EventKind> kinds;      // empty: all
  uint32_t one_in = 1;            // sampling: each event is shown with a chance of 1 in this
  std::optional<uint64_t> count;  // events to show
};

// Shows events on standard output, one per line, until `count` are shown, SIGINT, SIGTERM or SIGHUP
// arrives, or the reader is gone. Then prints a summary line on standard error. Sets the process's
// signal mask. Returns the exit status; throws OsError of DatapathEvents.
int monitor(const MonitorOptions& options);

}  // namespace pellicle::ctl
