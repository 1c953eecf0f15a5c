// Cluster health as JSON for `pellicle status`. The field names are an interface: only add fields.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/health/paths.h"

namespace pellicle {

nlohmann::ordered_json cluster_health_json(const ClusterHealth& health);

}  // namespace pellicle
