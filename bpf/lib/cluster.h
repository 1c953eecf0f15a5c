/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the agent writes for the programs: this node, and which destinations are a peer's pods. */
#ifndef PELLICLE_LIB_CLUSTER_H
#define PELLICLE_LIB_CLUSTER_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

/* This node has pods of the family: its router address is known. */
static __always_inline bool has_pods(const struct node_network* own) {
  return own->router.words[0] | own->router.words[1] | own->router.words[2] | own->router.words[3];
}

/* NULL until the agent has written the configuration. */
static __always_inline const struct datapath_config* configuration(void) {
  u32 only = 0;
  const struct datapath_config* config = bpf_map_lookup_elem(&pellicle_config, &only);

  if (!config || (!has_pods(&config->v4) && !has_pods(&config->v6))) return NULL;
  return config;
}

/* This node in the packet's family. */
static __always_inline const struct node_network* network_of(const struct datapath_config* config,
                                                             const struct packet* packet) {
  return packet->family == FAMILY_IPV4 ? &config->v4 : &config->v6;
}

static __always_inline bool is_in(const struct ip_address* prefix, const struct ip_address* mask,
                                  const struct ip_address* address) {
  u32 differs = 0;

  for (int i = 0; i < 4; ++i) differs |= (address->words[i] & mask->words[i]) ^ prefix->words[i];
  return !differs;
}

/* `address` is in this node's PodCIDR. */
static __always_inline bool is_local(const struct node_network* own,
                                     const struct ip_address* address) {
  return is_in(&own->prefix, &own->mask, address) && has_pods(own);
}

/* The entry that covers the packet's destination; NULL if it belongs to no peer. This node's own
 * PodCIDR never belongs to a peer, even inside a wider entry (a Node that is not believed may claim
 * it). */
static __always_inline const struct peer_value* peer(const struct datapath_config* config,
                                                     const struct packet* packet) {
  if (is_local(network_of(config, packet), &packet->destination)) return NULL;
  if (packet->family == FAMILY_IPV4) {
    struct peer_key key = {.prefix_length = 32, .address = packet->destination.words[0]};

    return bpf_map_lookup_elem(&pellicle_peers, &key);
  } else {
    struct peer6_key key = {.prefix_length = 128, .address = packet->destination};

    return bpf_map_lookup_elem(&pellicle_peers6, &key);
  }
}

/* The mark of a pod's cleartext packet on its path through the stack. */
static __always_inline u32 pod_mark(const struct datapath_config* config) {
  return config->host_encryption ? MARK_POD : 0;
}

/* Does traffic to this peer involve a pod, as sender, receiver or behind a NAT? If not, it is
 * between two nodes themselves and stays in the clear. Without host encryption so does all traffic
 * to a node: its entry remains for a moment when host encryption is switched off. */
static __always_inline bool concerns_pods(const struct __sk_buff* skb,
                                          const struct datapath_config* config,
                                          const struct packet* packet,
                                          const struct peer_value* to) {
  if (to->node && !config->host_encryption) return false;
  if (is_local(network_of(config, packet), &packet->source)) return true;
  if (!config->host_encryption) return false;
  return !to->node || has_mark(skb, MARK_POD) || has_mark(skb, MARK_LOCAL) ||
         has_mark(skb, MARK_ENCRYPT);
}

/* The pod of this node that the packet is for; NULL if no pod has the address. */
static __always_inline const struct endpoint_value* endpoint(const struct packet* packet) {
  if (packet->family == FAMILY_IPV4)
    return bpf_map_lookup_elem(&pellicle_eps, &packet->destination.words[0]);
  return bpf_map_lookup_elem(&pellicle_eps6, &packet->destination);
}

/* The whole mark of a packet to be encrypted with this key id. */
static __always_inline u32 encrypt_mark(u32 key_id) {
  return key_id << MARK_KEY_SHIFT | MARK_ENCRYPT;
}

/* This node's own ESP, as XFRM made it. */
static __always_inline bool is_own_esp(const struct datapath_config* config,
                                       const struct packet* packet) {
  return packet->protocol == IPPROTO_ESP &&
         same_address(&packet->source, &network_of(config, packet)->router);
}

#endif
