// Exit statuses of `pellicle`. Stable, because scripts and probes depend on them.
#pragma once

namespace pellicle::ctl {

enum Exit { kOk = 0, kDegraded = 1, kUsage = 2, kUnreachable = 3, kHopeless = 4 };

}  // namespace pellicle::ctl
