/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Egress of cilium_host: delivers to local pods, lets ESP pass to cilium_net, and marks packets for
 * a peer's pods that routing sent here. Routes send such packets here where policies ask for the
 * mark and the packet had none: kube-proxy translated its destination after lxc ingress, the lxc
 * program is missing, or the node sent it from its router address. */
#include "bpf/lib/forward.h"

SEC("tc")
int pell_host_out(struct __sk_buff* skb) {
  const struct datapath_config* config = configuration();
  const struct endpoint_value* pod;
  const struct peer_value* to;
  struct packet packet;
  bool readable = read_packet(skb, ETH_HLEN, &packet);

  if (has_mark(skb, MARK_ENCRYPT)) {
    if (!config) return drop(skb, DROP_NO_CONFIG);
    if (readable && is_own_esp(config, &packet)) return PASS;
    return drop(skb, DROP_UNENCRYPTED); /* no policy encrypted or blocked it */
  }

  if (!readable) return PASS;
  pod = endpoint(&packet);
  /* Writes both MACs at once: they are adjacent, as in the frame. A packet that cannot be delivered
   * goes on to cilium_net, whose ingress drops and counts it. */
  if (pod && bpf_skb_store_bytes(skb, 0, pod->pod_mac, 2 * ETH_ALEN, 0) == 0) {
    observe(skb, EVENT_DELIVERED, pod->ifindex);
    return bpf_redirect(pod->ifindex, 0);
  }

  to = config ? peer(config, &packet) : NULL;
  if (!to) return PASS;
  /* Masqueraded after routing: now the node's own packet. Forward it by the node's routes. */
  if (!concerns_pods(skb, config, &packet, to)) return forward(skb, config, &packet);
  if (to->key_id == KEY_NOT_YET) return drop(skb, DROP_NO_KEY);
  skb->mark = encrypt_mark(to->key_id);
  observe(skb, EVENT_MARKED, to->key_id);
  return PASS;
}
