/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of the uplink. Passes ESP for this node to XFRM. Lets decrypted packets continue if their
 * source belongs to the sending node. Drops cleartext that should be ESP. Reports to the agent what
 * routers say about our ESP. */
#include "bpf/lib/once.h"
#include "bpf/lib/owner.h"
#include "bpf/lib/path.h"
#include "bpf/lib/verdict.h"

static __always_inline int uplink_in(struct __sk_buff* skb, u32 l2_length) {
  const struct datapath_config* config = configuration();
  bool decrypted = has_mark(skb, MARK_DECRYPT); /* from the state's output-mark, never the wire */
  const struct node_network* own;
  struct packet packet;
  bool for_router;

  if (was_judged(skb)) return PASS_ON;
  /* Clear the mark, or rule 1 and table 200 would treat the packet as ESP. A packet for the node
   * itself, or for an address of the node that kube-proxy translates, gets MARK_LOCAL: without a
   * mark it matches no IN or FWD policy, and the kernel drops a decrypted packet that matches none
   * (6.1, XfrmInNoPols). */
  if (decrypted) skb->mark = 0;
  if (!config || !read_packet(skb, l2_length, &packet)) return PASS_ON;
  own = network_of(config, &packet);
  for_router = has_pods(own) && same_address(&packet.destination, &own->router);

  if (decrypted) {
    if (is_forged_in_esp(skb, own, &packet)) return drop_at(skb, l2_length, DROP_FORGED_NODE);
    observe_at(skb, l2_length, EVENT_DECRYPTED, 0);
    if (for_router || !is_local(own, &packet.destination)) skb->mark = MARK_LOCAL;
  } else if (for_router && packet.protocol == IPPROTO_ESP) {
    /* Fragments too: the kernel reassembles them before XFRM. */
    observe_at(skb, l2_length, EVENT_RECEIVED, 0);
    skb->mark = MARK_DECRYPT;
    bpf_skb_change_type(skb, PACKET_HOST);
  } else if (is_refused_in_the_clear(skb, own, &packet)) {
    return drop_at(skb, l2_length, DROP_CLEAR_TEXT);
  } else if (for_router && (packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6)) {
    hear_router(skb, l2_length);
  }
  return PASS_ON;
}

SEC("tc")
int pell_uplink_in(struct __sk_buff* skb) {
  return uplink_in(skb, ETH_HLEN);
}

/* For devices without an Ethernet header: ipip, GRE, tun, WireGuard. */
SEC("tc")
int pell_l3_in(struct __sk_buff* skb) {
  return uplink_in(skb, 0);
}
