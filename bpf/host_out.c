/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Egress of cilium_host: delivers to local pods, and lets ESP, never clear text, on to cilium_net.
 */
#include "bpf/lib/cluster.h"
#include "bpf/lib/verdict.h"

SEC("tc")
int pell_host_out(struct __sk_buff* skb) {
  const struct endpoint_value* endpoint;
  struct iphdr ip;
  bool readable = is_ipv4(skb) && read_ipv4(skb, &ip);

  if (has_mark(skb, MARK_ENCRYPT)) {
    const struct datapath_config* config = configuration();

    if (!config) return drop(skb, DROP_NO_CONFIG);
    if (readable && is_own_esp(config, &ip)) return PASS;
    return drop(skb, DROP_UNENCRYPTED); /* no policy caught it, not even the block policy */
  }

  if (!readable) return PASS;
  endpoint = bpf_map_lookup_elem(&pellicle_eps, &ip.daddr);
  /* Both MACs at once: they lie one after the other, as in the frame. What cannot be delivered goes
   * on to cilium_net, whose ingress drops and counts it. */
  if (!endpoint || bpf_skb_store_bytes(skb, 0, endpoint->pod_mac, 2 * ETH_ALEN, 0) < 0) return PASS;
  return bpf_redirect(endpoint->ifindex, 0);
}
