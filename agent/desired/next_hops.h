// By which way the peers' nodes are reached, and so the packets to their pods.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/desired/desired.h"

namespace pellicle {

// What the kernel is to be asked for: the way to each InternalIP of another Node that is outside
// the networks of the uplink's own addresses. What is inside is on the uplink's link.
std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs);
std::vector<NextHopQuestion> next_hop_questions(const Inputs& inputs, const Node& other);

// What a Problem of a Node's says it of.
inline constexpr const char* kRouteField = "route";

// What is wrong with the way to the peer on this node, in one sentence.
std::optional<std::string> hop_problem(const Peer& peer);

// "172.18.0.1 must route 10.0.0.0/24 to 172.19.0.4": where a gateway stands between the nodes, it
// must know the pods' networks, as the outer addresses of ESP are of them.
std::optional<std::string> expected_of_network(const Peer& peer);

// Fills in `next_hop` of the peers, and problems.
void find_next_hops(const Inputs& inputs, Cluster& cluster);

}  // namespace pellicle
