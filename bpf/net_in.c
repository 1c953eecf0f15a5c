/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of cilium_net: ESP goes out to the peer, what the guard sent goes to the stack. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

/* Sends ESP the way the node's own routes go, not by table 200: on 6.1 bpf_fib_lookup always looks
 * with mark 0. It asks for forwarding on this device. That the neighbour is not resolved yet is no
 * failure: bpf_redirect_neigh resolves it, and keeps the packet meanwhile. */
static __always_inline int to_peer(struct __sk_buff* skb, const struct datapath_config* config,
                                   const struct packet* packet) {
  struct bpf_fib_lookup route = {
      .family = packet->family,
      .l4_protocol = IPPROTO_ESP,
      .ifindex = skb->ifindex,
  };
  struct bpf_redir_neigh hop = {};
  long found;

  /* IPv4's addresses are the first words of IPv6's. */
  __builtin_memcpy(route.ipv6_src, &packet->source, sizeof(route.ipv6_src));
  __builtin_memcpy(route.ipv6_dst, &packet->destination, sizeof(route.ipv6_dst));
  if (packet->family == FAMILY_IPV4)
    route.tos = packet->tos;
  else
    route.flowinfo = packet->tos;
  found = bpf_fib_lookup(skb, &route, sizeof(route), 0);

  if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
    return drop(skb, DROP_NO_ROUTE);
  /* Back to where it came from would be a loop. */
  if (route.ifindex == config->host_ifindex || route.ifindex == config->net_ifindex)
    return drop(skb, DROP_NO_ROUTE);

  observe(skb, EVENT_ENCRYPTED, key_of_mark(skb));
  skb->mark = 0;
  hop.nh_family = route.family;
  if (route.family == FAMILY_IPV4)
    hop.ipv4_nh = route.ipv4_dst;
  else /* or an IPv4 route through an IPv6 next hop */
    __builtin_memcpy(hop.ipv6_nh, route.ipv6_dst, sizeof(hop.ipv6_nh));
  return bpf_redirect_neigh(route.ifindex, &hop, sizeof(hop), 0);
}

SEC("tc")
int pell_net_in(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  struct packet packet;
  bool readable = read_packet(skb, &packet);

  if (has_mark(skb, MARK_ENCRYPT)) {
    if (!config) return drop(skb, DROP_NO_CONFIG);
    if (readable && is_own_esp(config, &packet)) return to_peer(skb, config, &packet);
    /* From the guard, its frame still addressed to the peer's node. */
    bpf_skb_change_type(skb, PACKET_HOST);
    return PASS;
  }

  if (config && readable && is_local(network_of(config, &packet), &packet.destination))
    return drop(skb, DROP_NO_ENDPOINT);
  return PASS;
}
