// The same changes and dumps for other programs: as bytes for the floor, as lines for `ip`.
#pragma once

#include <string>
#include <vector>

#include "agent/reconcile/plan.h"

namespace pellicle::bench {

// The states, policies, peer entries and routes that the plan adds; `dumps`: the requests that read
// them. The netlink messages come from Pellicle's own encoders. Sections: states, policies, peers,
// routes; of the dumps, IPv4 routes, then IPv6 routes.
void write_floor_file(const std::string& path, const Plan& plan);
void write_floor_dumps(const std::string& path, const KernelState& state);

// What a rotation's plans add and remove, in five sections: states, policies, peer entries, removed
// policies, removed states. A changed entry is written again.
void write_floor_rotation(const std::string& path, const std::vector<Plan>& plans);

// Input of `ip -batch`: the plan's states, policies and routes.
void write_ip_batch(const std::string& path, const Plan& plan);

}  // namespace pellicle::bench
