// What is done to the cluster, one round at a time. Each round returns when the cluster has
// recovered, with a description. Anything that went wrong is in the ledger.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/soak/cluster.h"

namespace pellicle::soak {

// Rounds may only lose packets to and from a node that dies, that is cut off, or whose states or
// policies are flushed.
std::string node_round(Cluster& cluster);     // the guest joins, changes its PodCIDR, leaves, dies
std::string pods_round(Cluster& cluster);     // CNI ADD and DEL, sometimes without an agent
std::string key_round(Cluster& cluster);      // a new key: one for all, or one for each pair
std::string restart_round(Cluster& cluster);  // SIGTERM or SIGKILL
std::string api_round(Cluster& cluster);      // the API server is away for some seconds
std::string flush_round(Cluster& cluster);    // `ip xfrm state flush`, or `policy flush`
std::string flap_round(Cluster& cluster);     // a node's uplink goes down and comes back

struct Kind {
  const char* name;
  std::string (*round)(Cluster&);
  size_t weight;  // relative frequency
};

inline const std::vector<Kind> kKinds{
    {"node", node_round, 4},       {"pods", pods_round, 4}, {"key", key_round, 3},
    {"restart", restart_round, 3}, {"api", api_round, 2},   {"flush", flush_round, 1},
    {"flap", flap_round, 1},
};

// Switches to pair keys if there is one key for all: the two forms need different numbers of
// states.
void with_pair_keys(Cluster& cluster);

// Makes the guest leave if it is there.
void without_the_guest(Cluster& cluster);

}  // namespace pellicle::soak
