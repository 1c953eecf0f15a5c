/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of every lxc device: what a pod sends. Lets out what the pod sends in its own name, and
 * decides which of it is to be encrypted. A pod whose sending is shaped has the program on egress
 * of the device that shapes it, which hands packets back to ingress of the lxc device. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/source.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_lxc_in(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  const struct peer_value* to;
  struct packet packet;
  u32 carried;

  skb->mark = 0; /* a pod's own mark means nothing here */

  /* Behind two tags with VLAN id 0 the kernel takes an IP packet out only after this hook (6.1,
   * __netif_receive_skb_core), unseen by us. Pods have no use for tags: none gets in. */
  if (is_tagged(skb)) return drop(skb, DROP_TAGGED);
  if (is_arp(skb)) return is_own_arp(skb) ? PASS : drop(skb, DROP_FORGED);
  if (!is_ip(skb)) return PASS;

  if (!config) return drop(skb, DROP_NO_CONFIG);
  if (!read_whole_packet(skb, ETH_HLEN, &packet, &carried) ||
      packet.protocol == PROTOCOL_UNREADABLE)
    return drop(skb, DROP_MALFORMED);
  if (!is_own_packet(skb, &packet, carried)) return drop(skb, DROP_FORGED);
  /* Broadcast, multicast or for another host: the kernel forwards none of these (ip_rcv,
   * ip_forward, ip6_rcv_core, ip6_forward). */
  if (skb->pkt_type != PACKET_HOST || stays_on_link(&packet)) return PASS;

  to = peer(config, &packet);
  skb->mark = pod_mark(config);
  if (!to) return PASS;      /* local pods too: the stack's way there undoes kube-proxy's NAT */
  if (to->node) return PASS; /* MARK_POD is what leads it to a policy, once it is NATed or not */
  if (to->key_id == KEY_NOT_YET) return drop(skb, DROP_NO_KEY);
  skb->mark = encrypt_mark(to->key_id);
  observe(skb, EVENT_MARKED, to->key_id);
  return PASS;
}
