/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Egress of cilium_host: delivers to local pods, and lets ESP, never clear text, on to cilium_net.
 */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_host_out(struct __sk_buff* skb) {
  const struct endpoint_value* pod;
  struct packet packet;
  bool readable = read_packet(skb, &packet);

  if (has_mark(skb, MARK_ENCRYPT)) {
    const struct datapath_config* config = configuration();

    if (!config) return drop(skb, DROP_NO_CONFIG);
    if (readable && is_own_esp(config, &packet)) return PASS;
    return drop(skb, DROP_UNENCRYPTED); /* no policy caught it, not even the block policy */
  }

  if (!readable) return PASS;
  pod = endpoint(&packet);
  /* Both MACs at once: they lie one after the other, as in the frame. What cannot be delivered goes
   * on to cilium_net, whose ingress drops and counts it. */
  if (!pod || bpf_skb_store_bytes(skb, 0, pod->pod_mac, 2 * ETH_ALEN, 0) < 0) return PASS;
  observe(skb, EVENT_DELIVERED, pod->ifindex);
  return bpf_redirect(pod->ifindex, 0);
}
