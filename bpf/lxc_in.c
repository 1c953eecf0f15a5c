/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Ingress of every lxc device: what a pod sends. Checks that the source belongs to the pod, and
 * decides which packets are to be encrypted. If a pod's sending is shaped, the program is on egress
 * of the shaping device, which returns packets to ingress of the lxc device. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/source.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_lxc_in(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  const struct peer_value* to;
  struct packet packet;
  u32 carried;

  skb->mark = 0; /* a mark that the pod set has no meaning here */

  /* Behind two tags with VLAN id 0 the kernel takes an IP packet out only after this hook (6.1,
   * __netif_receive_skb_core), so this program would not see it. Pods need no tags: drop all. */
  if (is_tagged(skb)) return drop(skb, DROP_TAGGED);
  if (is_arp(skb)) return is_own_arp(skb) ? PASS : drop(skb, DROP_FORGED);
  if (!is_ip(skb)) return PASS;

  if (!config) return drop(skb, DROP_NO_CONFIG);
  if (!read_whole_packet(skb, ETH_HLEN, &packet, &carried) ||
      packet.protocol == PROTOCOL_UNREADABLE)
    return drop(skb, DROP_MALFORMED);
  if (!is_own_packet(skb, &packet, carried)) return drop(skb, DROP_FORGED);
  /* The kernel forwards no broadcast, no multicast and nothing for another host (ip_rcv,
   * ip_forward, ip6_rcv_core, ip6_forward). */
  if (skb->pkt_type != PACKET_HOST || stays_on_link(&packet)) return PASS;

  to = peer(config, &packet);
  skb->mark = pod_mark(config);
  if (!to) return PASS; /* local pods too: the path through the stack undoes kube-proxy's NAT */
  if (to->node) return PASS; /* MARK_POD leads it to a policy, with or without NAT */
  if (to->key_id == KEY_NOT_YET) return drop(skb, DROP_NO_KEY);
  skb->mark = encrypt_mark(to->key_id);
  observe(skb, EVENT_MARKED, to->key_id);
  return PASS;
}
