/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Replaces bpf/lib/source.h: the programs as if a pod might send from any address. */
#ifndef PELLICLE_LIB_SOURCE_H
#define PELLICLE_LIB_SOURCE_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

static __always_inline bool is_own_arp(const struct __sk_buff* skb) {
  (void)skb;
  return true;
}

static __always_inline bool is_own_packet(const struct __sk_buff* skb, const struct packet* packet,
                                          u32 carried) {
  (void)skb;
  (void)packet;
  (void)carried;
  return true;
}

#endif
