// How a pod is wired to the node, in the two steps of a CNI ADD with a reconcile between them: the
// pod can send nothing before our program is on its device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/model/inputs.h"

namespace pellicle {

class Netns;

struct PodAddress {
  IpAddress address;
  IpAddress gateway;  // cilium_host's address of the same family
};

struct PodSpec {
  std::string id;                            // unique on the node; names the device and the MACs
  std::string name;                          // for people: namespace/pod
  std::string netns;                         // path of the pod's network namespace
  std::shared_ptr<const Netns> opened = {};  // the same, open; none: it is found by its path
  std::string ifname = "eth0";
  std::string device = "";            // the host's end; empty: pod_device(id), and it is a pod's
  std::vector<PodAddress> addresses;  // IPv4 first; one or both families, at most one of each
  uint32_t link_mtu = 0;              // of both ends; 0: the kernel's 1500
  uint32_t route_mtu = 0;  // of the default routes: what fits after encryption; 0: none given
};

// The host's end of the pod with this id: "lxc" and the first 12 hex digits of sha256(id).
std::string pod_device(const std::string& id);

// The endpoint that `spec` becomes: pod_device(id), and MACs from the digest's further bytes,
// unicast and locally administered. Pure.
Endpoint pod_endpoint(const PodSpec& spec);

// All of these work from the network namespace of the calling thread, the node's, can be repeated,
// and complete what a crash left half done. They throw OsError: ENOENT when the pod's namespace is
// not there, EEXIST when a device, address or route of the pod is taken by something else,
// EINVAL when `spec` has no address,
// EAFNOSUPPORT when the pod's device cannot have an IPv6 address that is wanted.

// The veth pair, both ends down, the pod's end made inside its namespace under its final name. A
// new pair, the usual case, costs two requests and no look into the pod's namespace.
Endpoint create_pod_link(const PodSpec& spec);

// Addresses, routes, the gateways' permanent neighbour entries (no packet waits for ARP or
// neighbour discovery), all up. IPv6 is switched on in a pod that has it off only for an IPv6
// address; what a router advertises has no effect on the pod's device either way.
void start_pod(const PodSpec& spec, const Endpoint& endpoint);

// The host's end is there, a veth with the MAC that `endpoint` gives it.
bool has_pod_link(const Endpoint& endpoint);

// Deletes the pair. Absent, or of another kind than veth: success, and nothing is touched.
void remove_pod_link(const Endpoint& endpoint);

// What is missing of a started pod, one phrase each; empty: wired. Reads only.
std::string missing_of_pod(const PodSpec& spec, const Endpoint& endpoint);
bool pod_is_wired(const PodSpec& spec, const Endpoint& endpoint);

}  // namespace pellicle
