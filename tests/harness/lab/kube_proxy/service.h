// A Service as the kube-proxy of one node sees it in one family, and kube-proxy's naming scheme.
#pragma once

#include <string>
#include <vector>

#include "agent/model/ip.h"

namespace pellicle::lab {

struct BackEnd {
  IpAddress address;
  int port = 0;
  std::string node;               // where it runs
  std::string to_string() const;  // "10.0.0.249:80", "[fd00:10::f9]:80"
  auto operator<=>(const BackEnd&) const = default;
};

struct ServicePort {
  std::string name_space;
  std::string name;
  std::string port_name;
  IpAddress cluster_ip;
  int port = 0;
  int node_port = 0;  // 0: none
  std::vector<BackEnd> back_ends;
  bool client_ip_affinity = false;  // sessionAffinity: ClientIP, 10800 s
  bool local_only = false;          // externalTrafficPolicy: Local
  std::string full_name() const;    // "default/serversvc:cni"
};

struct ProxiedNode {
  std::string name;
  IpAddress address;
  Cidr cluster_cidr;  // --cluster-cidr: pods' addresses
  Cidr service_cidr;
  std::vector<ServicePort> ports;
  Family family() const { return address.family(); }
  std::vector<BackEnd> own_back_ends(const ServicePort& port) const;
};

// The first `length` characters of the SHA-256 of `text` in base 32, as kube-proxy uses them at the
// end or start of its names.
std::string name_hash(const std::string& text, size_t length);

}  // namespace pellicle::lab
