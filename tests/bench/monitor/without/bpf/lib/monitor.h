/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Replaces bpf/lib/monitor.h: the programs as if they wrote no events. */
#ifndef PELLICLE_LIB_MONITOR_H
#define PELLICLE_LIB_MONITOR_H

#include "bpf/lib/packet.h"

static __always_inline void observe_at(struct __sk_buff* skb, u32 l2_length, u32 kind, u32 detail) {
  (void)skb;
  (void)l2_length;
  (void)kind;
  (void)detail;
}

static __always_inline void observe(struct __sk_buff* skb, u32 kind, u32 detail) {
  observe_at(skb, 0, kind, detail);
}

#endif
