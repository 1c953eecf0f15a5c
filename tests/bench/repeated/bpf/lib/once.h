/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* In place of bpf/lib/once.h: BPF_PROG_TEST_RUN gives the programs one packet many times, and each
 * time is to be judged as the first. */
#ifndef PELLICLE_LIB_ONCE_H
#define PELLICLE_LIB_ONCE_H

#include "bpf/lib/packet.h"

static __always_inline bool was_judged(struct __sk_buff* skb) {
  (void)skb;
  return false;
}

#endif
