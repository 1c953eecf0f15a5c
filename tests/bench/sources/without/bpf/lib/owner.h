/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Replaces bpf/lib/owner.h: the programs as if a node might send from any address. */
#ifndef PELLICLE_LIB_OWNER_H
#define PELLICLE_LIB_OWNER_H

#include "bpf/lib/cluster.h"

static __always_inline bool is_forged_in_esp(struct __sk_buff* skb, const struct node_network* own,
                                             const struct packet* packet) {
  (void)skb;
  (void)own;
  (void)packet;
  return false;
}

static __always_inline bool is_refused_in_the_clear(struct __sk_buff* skb,
                                                    const struct node_network* own,
                                                    const struct packet* packet) {
  (void)skb;
  (void)own;
  (void)packet;
  return false;
}

#endif
