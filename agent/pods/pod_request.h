// What is asked over the unix socket about one pod, and how a pod is described there. The field
// names are an interface; additions only.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

// What a pod of this node is given; known once the node itself is programmed.
struct PodNetwork {
  struct Pool {
    Cidr pod_cidr;
    IpAddress gateway;  // cilium_host's address, which is of that PodCIDR
  };
  std::vector<Pool> pools;  // one a family, IPv4 first
  uint32_t link_mtu = 0;    // of the pod's eth0: the uplink's
  uint32_t route_mtu = 0;   // of its default route: what fits after encryption
};

// {"id", "netns", "netnsPassed"?, "name"?, "ifname"?, "network"?, "addresses"?, "egressShaped"?,
// "allowedAddresses"?}
struct PodRequest {
  std::string id;
  std::string name;
  std::string netns;          // its path, for status
  bool netns_passed = false;  // a descriptor of it comes with the request
  std::string ifname;
  std::string network;
  std::vector<IpAddress> addresses;  // asked for (add) or believed (check); empty: any
  bool egress_shaped = false;
  std::vector<Cidr> wanted_sources;  // to send from beside its addresses
};

// Both throw RequestError that names the field and what was expected.
PodRequest pod_request(const nlohmann::json& params);
std::string text_of(const nlohmann::json& params, const char* field);

nlohmann::json endpoint_json(const Endpoint& endpoint, const std::optional<PodNetwork>& network);

}  // namespace pellicle
