// What the datapath does with packets, as it happens.
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
  uint32_t one_in = 1;            // of so many events each is told with the same chance
  std::optional<uint64_t> count;  // events to show
};

// Shows events on standard output, a line each, until so many are shown, SIGINT, SIGTERM or SIGHUP
// comes or nobody reads on; then one line on standard error says how many. Sets the process's
// signal mask. An exit status; OsError of DatapathEvents.
int monitor(const MonitorOptions& options);

}  // namespace pellicle::ctl
