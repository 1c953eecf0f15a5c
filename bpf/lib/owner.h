/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Does the source address belong to the node that sent the packet? Checked for decrypted packets
 * and for cleartext that should have been ESP. Any node may send from an address that no node owns:
 * the outside world behind it. */
#ifndef PELLICLE_LIB_OWNER_H
#define PELLICLE_LIB_OWNER_H

#include "bpf/lib/cluster.h"
#include "bpf/lib/route.h"
#include "bpf/lib/seen.h"

/* Not inlined: keeps the lookup out of the path of a source that this CPU has just seen. */
static __noinline int look_up_owner(const struct packet* packet, u64 turn,
                                    struct seen_owner* seen) {
  struct peer_key key = {.prefix_length = 32, .address = packet->source.words[0]};
  struct peer6_key key6 = {.prefix_length = 128, .address = packet->source};
  const struct owner_value* owner = packet->family == FAMILY_IPV4
                                        ? bpf_map_lookup_elem(&pellicle_owner, &key)
                                        : bpf_map_lookup_elem(&pellicle_owner6, &key6);

  if (!seen) return 0;
  seen->turn = turn;
  seen->address = packet->source;
  seen->is_owned = owner != NULL;
  if (owner) seen->owner = *owner;
  return 0;
}

/* The owner of the packet's source; NULL if no node owns it. */
static __always_inline const struct owner_value* owner(const struct packet* packet) {
  u32 slot = seen_slot(address_hash(&packet->source), packet->family);
  struct seen_owner* seen = bpf_map_lookup_elem(&pellicle_seen, &slot);
  u64 turn = current_turn();

  if (!seen) return NULL; /* never: the slot exists */
  if (seen->turn != turn || !same_address(&seen->address, &packet->source))
    look_up_owner(packet, turn, seen);
  return seen->is_owned ? &seen->owner : NULL;
}

/* Not inlined: keeps this code out of the path of packets with a legitimate source. */
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

/* With pair keys a state's source is the router of the sending node, and must own the inner source.
 * One key for all nodes has a single state with any source: then only a source that belongs to this
 * node itself is known to be forged. */
static __always_inline bool is_forged_in_esp(struct __sk_buff* skb, const struct node_network* own,
                                             const struct packet* packet) {
  const struct owner_value* whose = owner(packet);
  struct bpf_xfrm_state state;
  struct ip_address sender IN_WORDS_OF_64_BITS;
  bool of_pair;

  if (!whose) return false;
  /* Where no state is known the kernel fills the result with zeros. */
  bpf_skb_get_xfrm_state(skb, 0, &state, sizeof(state), 0);
  __builtin_memcpy(&sender, state.remote_ipv6, sizeof(sender)); /* IPv4: the first word */
  of_pair = sender.words[0] | sender.words[1] | sender.words[2] | sender.words[3];
  if (same_address(&whose->router, of_pair ? &sender : &own->router) == of_pair) return false;
  blame(skb, packet, &sender, &whose->router, FORGED_IN_ESP);
  return true;
}

/* True if the node's routes lead the packet back to the device it came from. That is so for the
 * address of a Service, which kube-proxy translates to a pod's behind this hook. A node that routes
 * for others routes from one device to another. ESP never goes to a Service, and a switch that does
 * not know yet where another host is floods its frames to this node too. Not inlined: keeps this
 * code out of the path of packets for pods and nodes. */
static __noinline bool leads_back(struct __sk_buff* skb, const struct packet* packet) {
  struct bpf_fib_lookup route;
  long found;

  if (skb->pkt_type != PACKET_HOST || packet->protocol == IPPROTO_ESP) return false;
  found = find_route(skb, packet, &route);
  return (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH) &&
         route.ifindex == skb->ifindex;
}

/* True if the packet should have come as ESP and is therefore dropped. */
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
