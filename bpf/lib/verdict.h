/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Return values of the programs. */
#ifndef PELLICLE_LIB_VERDICT_H
#define PELLICLE_LIB_VERDICT_H

#include <linux/pkt_cls.h>

#include "bpf/lib/maps.h"
#include "bpf/lib/monitor.h"

enum {
  /* On the node's own devices: let filters of other owners behind ours decide too. */
  PASS_ON = TC_ACT_UNSPEC,
  /* On devices of ours (lxc*, cilium_host, cilium_net): no filter of another owner belongs there,
   * and one added by mistake must not rewrite the mark after ours. */
  PASS = TC_ACT_OK,
};

/* Drops the packet, counts it under its reason (bytes: whole frame), tells the listener. */
static __always_inline int drop_at(struct __sk_buff* skb, u32 l2_length, u32 reason) {
  struct drop_value* value = bpf_map_lookup_elem(&pellicle_drops, &reason);

  if (value) { /* one copy per CPU, and tc programs do not preempt each other: no atomics needed */
    value->packets += 1;
    value->bytes += skb->len;
  }
  observe_at(skb, l2_length, EVENT_DROPPED, reason);
  return TC_ACT_SHOT;
}

static __always_inline int drop(struct __sk_buff* skb, u32 reason) {
  return drop_at(skb, ETH_HLEN, reason);
}

#endif
