/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Replaces bpf/lib/once.h: BPF_PROG_TEST_RUN runs a program many times on one packet, and the
 * program must judge each run like the first. */
#ifndef PELLICLE_LIB_ONCE_H
#define PELLICLE_LIB_ONCE_H

#include "bpf/lib/packet.h"

static __always_inline bool was_judged(struct __sk_buff* skb) {
  (void)skb;
  return false;
}

#endif
