/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Egress of the uplink, the auditor: drops and counts packets that policies and routes must not let
 * through. These are cleartext from a local pod to a peer's pod; with host encryption all cleartext
 * that involves a pod; and any packet for a local pod. No traffic depends on this program. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

static __always_inline int uplink_out(struct __sk_buff* skb, u32 l2_length) {
  const struct datapath_config* config = configuration();
  const struct peer_value* to;
  struct packet packet;

  if (!config || !read_packet(skb, l2_length, &packet) || stays_on_link(&packet)) return PASS_ON;

  /* Without the route to the pods (cilium_host down, route deleted) a packet just decrypted for a
   * pod would follow the default route (seen). */
  if (is_local(network_of(config, &packet), &packet.destination))
    return drop_at(skb, l2_length, DROP_NO_ROUTE);

  if (is_own_esp(config, &packet)) return PASS_ON;
  to = peer(config, &packet);
  if (!to || !concerns_pods(skb, config, &packet, to)) return PASS_ON;
  return drop_at(skb, l2_length, to->key_id == KEY_NOT_YET ? DROP_NO_KEY : DROP_UNENCRYPTED);
}

SEC("tc")
int pell_uplink_out(struct __sk_buff* skb) {
  return uplink_out(skb, ETH_HLEN);
}

/* For devices without an Ethernet header: ipip, GRE, tun, WireGuard. */
SEC("tc")
int pell_l3_out(struct __sk_buff* skb) {
  return uplink_out(skb, 0);
}
