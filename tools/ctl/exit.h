// What `pellicle` exits with. Stable: scripts and probes look at it.
#pragma once

namespace pellicle::ctl {

enum Exit { kOk = 0, kDegraded = 1, kUsage = 2, kUnreachable = 3 };

}  // namespace pellicle::ctl
