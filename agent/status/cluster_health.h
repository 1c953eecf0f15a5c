// Cluster health as `pellicle status` is told it. The field names are an interface; additions only.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/health/paths.h"

namespace pellicle {

nlohmann::ordered_json cluster_health_json(const ClusterHealth& health);

}  // namespace pellicle
