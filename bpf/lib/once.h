/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Judges a packet once each time it is received. */
#ifndef PELLICLE_LIB_ONCE_H
#define PELLICLE_LIB_ONCE_H

#include "bpf/lib/packet.h"

/* Written to words of the control block that IP clears when it receives a packet (ip_rcv,
 * ip6_rcv_core), so that a decrypted packet is judged again. */
enum { JUDGED_FIRST = 0x50656c6c, JUDGED_SECOND = 0x69636c65 }; /* "Pellicle" */

/* True from the second call on for one reception. While the agent moves this program from a filter
 * to tcx, both run. A device on top of another (VLAN) may also have the program. */
static __always_inline bool was_judged(struct __sk_buff* skb) {
  if (skb->cb[0] == JUDGED_FIRST && skb->cb[1] == JUDGED_SECOND) return true;
  skb->cb[0] = JUDGED_FIRST;
  skb->cb[1] = JUDGED_SECOND;
  return false;
}

#endif
