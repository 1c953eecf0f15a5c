/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Egress of the uplink, the guard: nothing from a local pod to a peer's pod leaves in the clear,
 * with host encryption nothing that a pod has a part in, and nothing for a local pod leaves at all.
 * It judges what NAT has made of a packet, so that encryption changes no address of a connection
 * and may begin or end while it lasts. What arrives here unencrypted was addressed to a
 * service when the pod sent it (kube-proxy's DNAT came later), comes from the node's router
 * address, slipped past a detached lxc program, or is for a peer whose entry the kernel refused. */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_uplink_out(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  const struct node_network* own;
  const struct peer_value* to;
  struct packet packet;

  if (!config || !read_packet(skb, &packet) || stays_on_link(&packet)) return PASS_ON;
  own = network_of(config, &packet);

  /* With the way to the pods gone (cilium_host down, its route deleted) what was just decrypted for
   * one would follow the default route (seen). */
  if (is_local(own, &packet.destination)) return drop(skb, DROP_NO_ROUTE);

  if (is_own_esp(config, &packet)) return PASS_ON;
  to = peer(config, &packet);
  if (!to) to = held_back(own, &packet);
  if (!to || !concerns_pods(skb, config, &packet, to)) return PASS_ON;
  if (to->key_id == KEY_NOT_YET || to->key_id == KEY_NO_NODE) return drop(skb, DROP_NO_KEY);
  if (!config->net_ifindex) return drop(skb, DROP_NO_CONFIG);

  /* It went round already and nothing encrypted it: again would be for ever (seen). */
  if (has_mark(skb, MARK_ENCRYPT)) return drop(skb, DROP_UNENCRYPTED);

  /* Round again, this time with the mark: cilium_net's ingress hands it to the stack. */
  skb->mark = encrypt_mark(to->key_id);
  observe(skb, EVENT_MARKED, to->key_id);
  return bpf_redirect(config->net_ifindex, BPF_F_INGRESS);
}
