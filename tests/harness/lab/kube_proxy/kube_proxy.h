// A kube-proxy and a kubelet on every node, as far as the kernel sees them: what they write for the
// seed's Service default/serversvc, NodePort 32000, with the back ends cni-fcnh6 (on worker2) and
// cni-s22px (on worker). A dual-stack node has one kube-proxy per family.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/lab/kube_proxy/service.h"
#include "tests/harness/lab/network.h"

namespace pellicle::lab {

inline constexpr const char* kServiceAddress = "10.96.169.246";
inline constexpr const char* kServiceIpv6 = "fd00:96::a9f6";
inline constexpr int kNodePort = 32000;
inline constexpr int kHostNetworkPort = 8080;

enum class ProxyMode {
  iptables_legacy,
  iptables_nft,
  nftables,  // kubelet's rules with iptables-nft
  ipvs,      // its rules with iptables-legacy
};

struct ServiceSpec {
  ProxyMode mode = ProxyMode::iptables_legacy;
  bool client_ip_affinity = false;  // sessionAffinity: ClientIP, 10800 s
  bool local_only = false;          // externalTrafficPolicy: Local
  bool host_network = false;        // back ends: kHostNetworkPort of worker2 and of worker
};

// default/kubernetes and the Service, as the kube-proxy of one family sees them. LabError if the
// node lacks the family.
ProxiedNode proxied_node(const Network& network, const std::string& node, Family family,
                         const ServiceSpec& spec = {});

// Installs them on every node and replaces those of an earlier call. LabError.
void install_service(const Network& network, const ServiceSpec& spec = {});

}  // namespace pellicle::lab
