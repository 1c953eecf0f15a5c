// The next hop to each peer's node, which packets to its pods take as well.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// What to ask the kernel: the route to each InternalIP of another Node outside the networks of the
// uplink's own addresses. Addresses inside are on the uplink's link.
std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs);
std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs, const Node& other);

// The field of a Problem about the route to a Node.
inline constexpr const char* kRouteField = "route";

// One sentence about what is wrong with this node's route to the peer; nullopt: nothing.
std::optional<std::string> hop_problem(const Peer& peer);

// "172.18.0.1 must route 10.0.0.0/24 to 172.19.0.4": a gateway between the nodes must know the
// pods' networks, as ESP's outer addresses belong to them. nullopt: no gateway.
std::optional<std::string> expected_of_network(const Peer& peer);

// Sets `next_hop` of the peers, and adds problems.
void find_next_hops(const Inputs& inputs, Cluster& cluster);

}  // namespace pellicle
