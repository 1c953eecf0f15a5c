// The seed's cluster: the three Nodes and the key from which the datapath contract's tables are
// made.
#pragma once

#include <array>
#include <string>

#include "tests/harness/api/certificates.h"
#include "tests/harness/api/resource.h"

namespace pellicle::api {

// One Node of the seed's kind cluster (Kubernetes 1.23).
struct SeedNode {
  const char* name;
  const char* internal_ip;
  const char* pod_cidr;
  const char* cilium_host;
  const char* boot_id;
  bool control_plane = false;
};

inline constexpr std::array<SeedNode, 3> kSeedNodes = {{
    {"worker", "172.18.0.3", "10.0.1.0/24", "10.0.1.138", "11111111-1111-1111-1111-111111111111"},
    {"worker2", "172.18.0.4", "10.0.0.0/24", "10.0.0.40", "33333333-3333-3333-3333-333333333333"},
    {"control-plane", "172.18.0.2", "10.0.2.0/24", "10.0.2.52",
     "22222222-2222-2222-2222-222222222222", true},
}};

// A key for tests only: id 3 and the bytes 00 01 .. 13.
inline constexpr const char* kSeedKeyLine =
    "3 rfc4106(gcm(aes)) 000102030405060708090a0b0c0d0e0f10111213 128";

// With `published`, the Node carries the annotation network.cilium.io/ipv4-cilium-host that its
// agent writes; without, it is a Node on which no agent has run.
Json node_object(const SeedNode& node, bool published = true);

// kube-system/cilium-ipsec-keys with `key_line` as its `keys`.
Json key_secret(const std::string& key_line = kSeedKeyLine);

// A kubeconfig's text for one cluster and one user, certificates inline.
std::string kubeconfig(const std::string& server, const std::string& ca_pem,
                       const std::string& token);
std::string kubeconfig(const std::string& server, const std::string& ca_pem,
                       const Certificate& user);

}  // namespace pellicle::api
