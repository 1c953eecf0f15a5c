/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Does a node speak in its own name? Of what comes out of its ESP, and of what should have been in
 * some. An address that no node owns, the world's behind a node, any node may send from. */
#ifndef PELLICLE_LIB_OWNER_H
#define PELLICLE_LIB_OWNER_H

#include "bpf/lib/cluster.h"
#include "bpf/lib/route.h"

/* Whose the packet's source is; NULL: no node's. */
static __always_inline const struct owner_value* owner(const struct packet* packet) {
  if (packet->family == FAMILY_IPV4) {
    struct peer_key key = {.prefix_length = 32, .address = packet->source.words[0]};

    return bpf_map_lookup_elem(&pellicle_owner, &key);
  } else {
    struct peer6_key key = {.prefix_length = 128, .address = packet->source};

    return bpf_map_lookup_elem(&pellicle_owner6, &key);
  }
}

/* Not inlined: this is far from the packets of nodes that speak in their own name. */
static __noinline int count_forgery(const struct forgery* forgery, u32 bytes) {
  struct drop_value first = {.packets = 1, .bytes = bytes};
  struct drop_value* count = bpf_map_lookup_elem(&pellicle_forged, forgery);

  if (!count) return bpf_map_update_elem(&pellicle_forged, forgery, &first, BPF_NOEXIST);
  __sync_fetch_and_add(&count->packets, 1);
  __sync_fetch_and_add(&count->bytes, bytes);
  return 0;
}

static __always_inline void blame(const struct __sk_buff* skb, const struct packet* packet,
                                  const struct ip_address* sender, const struct ip_address* owner,
                                  u32 kind) {
  struct forgery forgery = {
      .sender = *sender, .owner = *owner, .family = packet->family, .kind = kind};

  count_forgery(&forgery, skb->len);
}

/* Out of a state whose source is the router of the node that sends by it. One key for all nodes has
 * one state, of any source: of its packets it is known that they are not this node's, no more. */
static __always_inline bool is_forged_in_esp(struct __sk_buff* skb, const struct node_network* own,
                                             const struct packet* packet) {
  const struct owner_value* whose = owner(packet);
  struct bpf_xfrm_state state = {};
  struct ip_address sender = {};
  bool of_pair;

  if (!whose) return false;
  /* Where it fails (no state is known), what was read is zero. */
  bpf_skb_get_xfrm_state(skb, 0, &state, sizeof(state), 0);
  __builtin_memcpy(&sender, state.remote_ipv6, sizeof(sender)); /* IPv4's is the first word */
  of_pair = sender.words[0] | sender.words[1] | sender.words[2] | sender.words[3];
  if (same_address(&whose->router, of_pair ? &sender : &own->router) == of_pair) return false;
  blame(skb, packet, &sender, &whose->router, FORGED_IN_ESP);
  return true;
}

/* The node's routes lead it back to where it came from, as they do the address of a Service, of
 * which kube-proxy makes a pod's behind this hook. A node that routes for others does so from one
 * device to another. ESP is no Service's, and a switch sends what is for another host here as well
 * while it does not know where that is. Not inlined: this is far from the packets of pods and
 * nodes. */
static __noinline bool leads_back(struct __sk_buff* skb, const struct packet* packet) {
  struct bpf_fib_lookup route;
  long found;

  if (skb->pkt_type != PACKET_HOST || packet->protocol == IPPROTO_ESP) return false;
  found = find_route(skb, packet, &route);
  return (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH) &&
         route.ifindex == skb->ifindex;
}

/* Should it have come as ESP, and is therefore dropped? */
static __always_inline bool is_refused_in_the_clear(struct __sk_buff* skb,
                                                    const struct node_network* own,
                                                    const struct packet* packet) {
  bool to_node = same_address(&packet->destination, &own->address);
  const struct owner_value* whose = owner(packet);
  const struct ip_address none = {};
  u32 verdict;

  if (!whose) return false;
  verdict = to_node ? whose->to_node : whose->to_pods;
  if (verdict == CLEAR_PASSES) return false;
  if (!to_node && !is_local(own, &packet->destination) && !leads_back(skb, packet)) return false;
  blame(skb, packet, &none, &whose->router,
        verdict == CLEAR_IS_DROPPED ? CLEAR_DROPPED : CLEAR_OBSERVED);
  return verdict == CLEAR_IS_DROPPED;
}

#endif
