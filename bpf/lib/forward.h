/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Sends a packet off this node from cilium_host or cilium_net. */
#ifndef PELLICLE_LIB_FORWARD_H
#define PELLICLE_LIB_FORWARD_H

#include "bpf/lib/cluster.h"
#include "bpf/lib/route.h"
#include "bpf/lib/verdict.h"

/* Redirects the packet by the node's own routes, not by table 200: on 6.1 bpf_fib_lookup always
 * looks up with mark 0. The lookup needs forwarding enabled on this device. An unresolved neighbour
 * is no failure: bpf_redirect_neigh resolves it and queues the packet meanwhile. */
static __always_inline int forward(struct __sk_buff* skb, const struct datapath_config* config,
                                   const struct packet* packet) {
  struct bpf_fib_lookup route;
  struct bpf_redir_neigh hop = {};
  long found = find_route(skb, packet, &route);

  if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
    return drop(skb, DROP_NO_ROUTE);
  /* A route back to our own devices would be a loop. */
  if (route.ifindex == config->host_ifindex || route.ifindex == config->net_ifindex)
    return drop(skb, DROP_NO_ROUTE);

  skb->mark = 0;
  hop.nh_family = route.family;
  if (route.family == FAMILY_IPV4)
    hop.ipv4_nh = route.ipv4_dst;
  else /* also an IPv4 route with an IPv6 next hop */
    __builtin_memcpy(hop.ipv6_nh, route.ipv6_dst, sizeof(hop.ipv6_nh));
  return bpf_redirect_neigh(route.ifindex, &hop, sizeof(hop), 0);
}

#endif
