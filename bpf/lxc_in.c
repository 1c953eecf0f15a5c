/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of every lxc device: what a pod sends. Decides which of it is to be encrypted. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_lxc_in(struct __sk_buff* skb) {
  const struct datapath_config* config;
  const struct peer_value* to;
  struct packet packet;

  skb->mark = 0; /* a pod's own mark means nothing here */

  /* Behind two tags with VLAN id 0 the kernel takes an IP packet out only after this hook (6.1,
   * __netif_receive_skb_core), unseen by us. Pods have no use for tags: none gets in. */
  if (is_tagged(skb)) return drop(skb, DROP_TAGGED);
  if (!is_ip(skb)) return PASS;
  /* Broadcast, multicast or somebody else's: the kernel forwards none of these (ip_rcv,
   * ip_forward, ip6_rcv_core, ip6_forward). */
  if (skb->pkt_type != PACKET_HOST) return PASS;

  config = configuration();
  if (!config) return drop(skb, DROP_NO_CONFIG);
  if (!read_packet(skb, ETH_HLEN, &packet)) return drop(skb, DROP_MALFORMED);
  if (stays_on_link(&packet)) return PASS;
  if (packet.protocol == PROTOCOL_UNREADABLE) return drop(skb, DROP_MALFORMED);

  to = peer(config, &packet);
  skb->mark = pod_mark(config);
  if (!to) return PASS;      /* local pods too: the stack's way there undoes kube-proxy's NAT */
  if (to->node) return PASS; /* MARK_POD is what leads it to a policy, once it is NATed or not */
  if (to->key_id == KEY_NOT_YET) return drop(skb, DROP_NO_KEY);
  skb->mark = encrypt_mark(to->key_id);
  observe(skb, EVENT_MARKED, to->key_id);
  return PASS;
}
