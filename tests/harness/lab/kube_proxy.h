// What kube-proxy in iptables mode and the kubelet write into every node's legacy tables for the
// seed's Service: default/serversvc, ClusterIP 10.96.169.246:80, NodePort 32000, with the back ends
// 10.0.0.249 (cni-fcnh6 on worker2) and 10.0.1.103 (cni-s22px on worker).
#pragma once

#include <string>

#include "tests/harness/lab/network.h"

namespace pellicle::lab {

inline constexpr const char* kServiceAddress = "10.96.169.246";
inline constexpr int kNodePort = 32000;

struct ServiceSpec {
  bool client_ip_affinity = false;  // sessionAffinity: ClientIP, 10800 s
  bool local_only = false;          // externalTrafficPolicy: Local
};

// The input of iptables-restore --noflush, as kube-proxy 1.36 with --cluster-cidr 10.0.0.0/8 leaves
// the tables of this node. Jumps go before all that is in the built-in chains.
std::string service_rules(const NodeSpec& node, const ServiceSpec& spec = {});

// Puts them into every node, or replaces what an earlier call put there. LabError.
void install_service(const Network& network, const ServiceSpec& spec = {});

}  // namespace pellicle::lab
