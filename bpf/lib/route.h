/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Looks up the node's own routes. */
#ifndef PELLICLE_LIB_ROUTE_H
#define PELLICLE_LIB_ROUTE_H

#include "bpf/lib/packet.h"

/* Looks up the route as for a packet that the node forwards from the packet's device, with mark 0.
 * Returns BPF_FIB_LKUP_RET_* or a negative errno. */
static __always_inline long find_route(struct __sk_buff* skb, const struct packet* packet,
                                       struct bpf_fib_lookup* route) {
  __builtin_memset(route, 0, sizeof(*route));
  route->family = packet->family;
  route->l4_protocol = packet->protocol;
  route->ifindex = skb->ifindex;
  /* The IPv4 addresses are the first words of the IPv6 ones. */
  __builtin_memcpy(route->ipv6_src, &packet->source, sizeof(route->ipv6_src));
  __builtin_memcpy(route->ipv6_dst, &packet->destination, sizeof(route->ipv6_dst));
  if (packet->family == FAMILY_IPV4)
    route->tos = packet->tos;
  else
    route->flowinfo = packet->tos;
  return bpf_fib_lookup(skb, route, sizeof(*route), 0);
}

#endif
