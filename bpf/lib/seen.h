/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What this CPU found for the sources that it saw last: see struct seen_owner. No program preempts
 * another on its CPU, so an entry needs no lock. */
#ifndef PELLICLE_LIB_SEEN_H
#define PELLICLE_LIB_SEEN_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

/* Read before the lookup whose result is kept: a write during the lookup then makes it void. */
static __always_inline u64 current_turn(void) {
  u32 only = 0;
  const u64* turn = bpf_map_lookup_elem(&pellicle_turn, &only);

  return turn ? *(const volatile u64*)turn : 0;
}

/* The two families have slots of their own, so an entry need not name its family. */
static __always_inline u32 seen_slot(u32 number, u32 family) {
  return (number << 1 | (family == FAMILY_IPV6)) % SEEN_SLOTS;
}

/* Multiplies by 2^32 divided by the golden ratio (Knuth): the high bits then depend on all bits. */
static __always_inline u32 address_hash(const struct ip_address* address) {
  const u32* words = address->words;

  return (words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b1 >> 16;
}

#endif
