// A router between worker and worker2: the guest's root namespace. It has routes to the nodes'
// pods, like a cloud's route table or a BGP fabric.
#pragma once

#include <string>
#include <vector>

#include "tests/datapath/internal_ips.h"

namespace pellicle::lab {

inline constexpr const char* kAsking = "cluster-health-interval = 1\n";

inline LabOptions two_nodes(const std::string& agent_config = kAsking) {
  auto nodes = dual_stack_nodes();
  nodes.pop_back();
  return {.nodes = nodes, .agent_config = agent_config};
}

// Routes worker2's pods to these addresses of that node. The router needs a link-local address for
// neighbour discovery, as the senders' addresses are not its own. `options` applies to all four
// routes, for example "mtu 1300".
inline void make_router(const std::string& worker2 = "172.18.0.4",
                        const std::string& worker2_ipv6 = "fd00:172::4",
                        const std::string& options = "") {
  must(
      "ip addr add fe80::1/64 dev kind nodad; "
      "for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$f; done; "
      "for d in all kind; do echo 0 > /proc/sys/net/ipv4/conf/$d/send_redirects; done");
  const auto route = [&](const std::string& pods, const std::string& via) {
    must("ip route add " + pods + " via " + via + " dev kind onlink " + options);
  };
  route("10.0.1.0/24", "172.18.0.3");
  route("fd00:10:1::/64", "fd00:172::3");
  route("10.0.0.0/24", worker2);
  route("fd00:10::/64", worker2_ipv6);
}

// Gives worker2 the addresses 172.19.0.4 and fd00:173::4, which worker reaches only through the
// router.
inline void move_to_another_subnet(Lab& lab, const std::string& options = "") {
  must("ip addr add 172.19.0.1/16 dev kind; ip addr add fd00:173::1/64 dev kind nodad");
  make_router("172.19.0.4", "fd00:173::4", options);
  must_in("worker2",
          "ip addr flush dev eth0 scope global; ip addr add 172.19.0.4/16 dev eth0; "
          "ip addr add fd00:173::4/64 dev eth0 nodad; ip route add default via 172.19.0.1; "
          "ip -6 route replace default via fd00:173::1 dev eth0");
  set_internal_ips(lab, "worker2", {"172.19.0.4", "fd00:173::4"});
}

inline void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", std::vector<std::string>{"10.0.1.52", "fd00:10:1::34"});
  lab.add_pod("worker2", "cni-fcnh6", std::vector<std::string>{"10.0.0.249", "fd00:10::f9"});
  lab.serve_http("cni-fcnh6");
}

}  // namespace pellicle::lab
