// The same changes and dumps for others than Pellicle: as bytes for the floor, as lines for `ip`.
#pragma once

#include <string>
#include <vector>

#include "agent/reconcile/plan.h"

namespace pellicle::bench {

// What the plan adds of states, policies, peer entries and routes; `dumps`: the requests that read
// them. The netlink messages are those that Pellicle sends, by the same encoders. Sections in this
// order, states, policies, peers, routes; of the dumps, routes of IPv4, then of IPv6.
void write_floor_file(const std::string& path, const Plan& plan);
void write_floor_dumps(const std::string& path, const KernelState& state);

// What a rotation's plans add and remove, five sections: states, policies, peer entries, and what
// is removed of policies and of states. A changed entry is written again.
void write_floor_rotation(const std::string& path, const std::vector<Plan>& plans);

// `ip -batch`: states, policies and routes of the plan.
void write_ip_batch(const std::string& path, const Plan& plan);

}  // namespace pellicle::bench
