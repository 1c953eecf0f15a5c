/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of cilium_net: redirects ESP to the peer, passes packets that cilium_host marked to the
 * stack again, and drops cleartext. */
#include "bpf/lib/cut.h"

SEC("tc")
int pell_net_in(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  struct packet packet;
  bool readable = read_packet(skb, ETH_HLEN, &packet);

  if (has_mark(skb, MARK_ENCRYPT)) {
    if (!config) return drop(skb, DROP_NO_CONFIG);
    if (readable && is_own_esp(config, &packet)) {
      const struct peer_value* to = peer(config, &packet);
      int verdict;

      if (to && to->path && skb->len > ETH_HLEN + to->path && !cut(skb, to->path))
        return drop(skb, DROP_NO_ROUTE);
      verdict = forward(skb, config, &packet);
      if (verdict == TC_ACT_REDIRECT) observe(skb, EVENT_ENCRYPTED, 0);
      return verdict;
    }
    /* Marked on cilium_host. The frame carries that device's MAC, so set the packet type. */
    bpf_skb_change_type(skb, PACKET_HOST);
    return PASS;
  }

  if (!config || !readable || stays_on_link(&packet)) return PASS;
  if (is_local(network_of(config, &packet), &packet.destination))
    return drop(skb, DROP_NO_ENDPOINT);
  /* A route led here to a peer without a map entry. The kernel drops every such packet that is
   * neither broadcast nor multicast. */
  return skb->pkt_type == PACKET_OTHERHOST ? drop(skb, DROP_NO_KEY) : PASS;
}
