// Nodes as kubelets, controllers and agents leave them in a real cluster.
#pragma once

#include <string>

#include "tests/harness/api/api_fixture.h"

namespace pellicle::bench {

inline constexpr size_t kRealBytes = 20'000;  // of a Node's JSON

std::string node_name(size_t number);  // from 1
std::string internal_ip(size_t number);
std::string pod_cidr(size_t number);
std::string node_boot_id(size_t number);

// Without the annotations of an agent.
api::Json fresh_node(size_t number);

// What a kubelet changes every five minutes.
api::Json heartbeat(api::Json node, size_t count);

}  // namespace pellicle::bench
