// Whether the nodes reach each other, for a person.
#pragma once

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

// "Cluster health: 2/2 reachable (2026-11-26T09:00:00Z)", below it the nodes that are not reached
// and on which way, or all of them. `status` as the agent gives it; one that does not ask its peers
// has no line.
void cluster_health_lines(Screen& screen, const nlohmann::ordered_json& status, bool verbose);

}  // namespace pellicle::ctl
