/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What the agent has told us: this node, and which destinations are a peer's pods. */
#ifndef PELLICLE_LIB_CLUSTER_H
#define PELLICLE_LIB_CLUSTER_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

/* NULL until the agent has filled it. */
static __always_inline const struct datapath_config* configuration(void) {
  u32 only = 0;
  const struct datapath_config* config = bpf_map_lookup_elem(&pellicle_config, &only);

  if (!config || (!config->local_mask && !config->router)) return NULL;
  return config;
}

/* `address`, in network order, belongs to this node's PodCIDR. */
static __always_inline bool is_local(const struct datapath_config* config, u32 address) {
  return (address & config->local_mask) == config->local_address;
}

/* The entry that covers `address`; NULL when it is no peer's. This node's own PodCIDR is never a
 * peer's, even inside a wider entry (the strict CIDR covers the whole pod network). */
static __always_inline const struct peer_value* peer(const struct datapath_config* config,
                                                     u32 address) {
  struct peer_key key = {.prefix_length = 32, .address = address};

  if (is_local(config, address)) return NULL;
  return bpf_map_lookup_elem(&pellicle_peers, &key);
}

/* The whole mark of a packet to be encrypted with this key id. */
static __always_inline u32 encrypt_mark(u32 key_id) {
  return key_id << MARK_KEY_SHIFT | MARK_ENCRYPT;
}

/* Our own ESP, as XFRM has made it. */
static __always_inline bool is_own_esp(const struct datapath_config* config,
                                       const struct iphdr* ip) {
  return ip->protocol == IPPROTO_ESP && ip->saddr == config->router;
}

#endif
