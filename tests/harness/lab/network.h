// The nodes: network namespaces on a bridge, as kind's nodes are containers on one kernel.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/ip.h"
#include "tests/harness/lab/capture.h"

namespace pellicle::lab {

struct NodeSpec {
  struct Ipv6 {
    IpAddress address;
    Cidr pod_cidr;
    IpAddress router;
    auto operator<=>(const Ipv6&) const = default;
  };
  std::string name;  // also the namespace's name
  IpAddress address;
  Cidr pod_cidr;
  IpAddress router;  // the intended cilium_host address
  std::optional<Ipv6> ipv6 = {};
  bool ipv4 = true;  // false: its Node object has only IPv6; the API is still reached over IPv4
  auto operator<=>(const NodeSpec&) const = default;
};

// worker, worker2 and control-plane with the seed's addresses.
std::vector<NodeSpec> seed_nodes();
// The same with both families: worker is fd00:172::3 with pods in fd00:10:1::/64.
std::vector<NodeSpec> dual_stack_nodes();
// worker3, 172.18.0.5, 10.0.3.0/24: the node that joins later.
NodeSpec fourth_node();

// The bridge `kind` with the gateway address 172.18.0.1/16 in the root namespace, and the nodes.
class Network {
 public:
  // Starts with these nodes, see add(). If not `recorded`, no cable is captured and wire() throws
  // LabError: for tests that capture themselves, since a capture grows with time.
  explicit Network(std::string log_dir, const std::vector<NodeSpec>& nodes = {},
                   bool recorded = true);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // Adds a namespace with lo and eth0 (docker's MAC for the address, 172.18.0.x/16, default route).
  // From here on every frame on its cable is captured to <log dir>/wire-<name>.pcap.
  void add(const NodeSpec& node);
  void remove(const std::string& name);
  // Changes eth0's address; the MAC stays.
  void change_address(const std::string& name, const IpAddress& address);

  const std::vector<NodeSpec>& nodes() const { return nodes_; }
  const NodeSpec& node(const std::string& name) const;  // LabError for an unknown one

  // Every IPv4 packet, and every IPv6 packet that leaves its link, on the cable of any node,
  // removed ones included. A packet from one node to another appears twice: where it leaves and
  // where it arrives.
  std::vector<Packet> wire();

  // Those that go from one node or its pods to another and are not ESP. Neighbour discovery between
  // nodes is left out.
  std::vector<Packet> unencrypted();

 private:
  void plug(const std::vector<NodeSpec>& nodes);
  void record(const std::vector<NodeSpec>& nodes);
  std::string log_dir_;
  bool recorded_;
  std::vector<NodeSpec> nodes_;
  std::map<std::string, std::string> ports_;  // node -> the bridge's end of its cable
  std::list<Capture> wire_;
};

std::string docker_mac(const IpAddress& address);  // 02:42:ac:12:00:03 for 172.18.0.3

}  // namespace pellicle::lab
