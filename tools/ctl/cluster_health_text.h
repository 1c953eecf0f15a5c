// Cluster health as text.
#pragma once

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

// "Cluster health: 2/2 reachable (2026-11-26T09:00:00Z)", then the unreachable nodes with their
// failing paths, or with `verbose` all nodes. `status`: the agent's answer. Prints nothing when the
// agent does not probe its peers.
void cluster_health_lines(Screen& screen, const nlohmann::ordered_json& status, bool verbose);

}  // namespace pellicle::ctl
