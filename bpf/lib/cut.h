/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Sends IPv6 ESP in two fragments over a path that is too narrow for it. A pod may always send 1280
 * bytes (RFC 8200, 5). With ESP around them they do not fit a path of 1280 to 1355 bytes. The
 * kernel does not fragment that ESP (6.1, xfrm6_output). It reports an MTU below 1280 to the pod,
 * which the pod's kernel ignores. */
#ifndef PELLICLE_LIB_CUT_H
#define PELLICLE_LIB_CUT_H

#include "bpf/lib/forward.h"

struct fragmented {
  struct ipv6hdr ip;
  u8 next;
  u8 reserved;
  __be16 fragment; /* offset in units of 8 bytes << 3, and FRAGMENT_MORE */
  u32 id;
};

enum { FRAGMENT_HEADER = 8, FRAGMENT_MORE = 1 };

static __always_inline int store_fragment(struct __sk_buff* skb, struct fragmented* start,
                                          u32 fragment, u32 length) {
  start->fragment = bpf_htons(fragment);
  start->ip.payload_len = bpf_htons(length);
  return bpf_skb_store_bytes(skb, ETH_HLEN, start, sizeof(*start), 0);
}

/* The whole packet gets a fragment header, and a copy of it enters this device again. The original
 * becomes the first fragment. */
static __always_inline bool cut_first(struct __sk_buff* skb, struct fragmented* start, u32 part) {
  u32 length = bpf_ntohs(start->ip.payload_len);

  if (bpf_skb_adjust_room(skb, FRAGMENT_HEADER, BPF_ADJ_ROOM_NET, 0) < 0) return false;
  start->ip.nexthdr = HEADER_FRAGMENT;
  start->next = IPPROTO_ESP;
  start->reserved = 0;
  start->id = bpf_get_prandom_u32();
  return store_fragment(skb, start, 0, length + FRAGMENT_HEADER) == 0 &&
         bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS) == 0 &&
         store_fragment(skb, start, FRAGMENT_MORE, part + FRAGMENT_HEADER) == 0 &&
         bpf_skb_change_tail(skb, ETH_HLEN + sizeof(*start) + part, 0) == 0;
}

/* For the copy: removes the part that the first fragment carries; the fragment header moves up. */
static __always_inline bool cut_rest(struct __sk_buff* skb, struct fragmented* start, u32 part) {
  u32 length = bpf_ntohs(start->ip.payload_len);

  return length > part + FRAGMENT_HEADER &&
         bpf_skb_adjust_room(skb, -(int)part, BPF_ADJ_ROOM_NET, 0) == 0 &&
         store_fragment(skb, start, part, length - part) == 0;
}

/* Returns false if the packet cannot be cut. */
static __always_inline bool cut(struct __sk_buff* skb, u32 path) {
  u32 part = (path - sizeof(struct fragmented)) & ~7U; /* bytes of payload behind the headers */
  struct fragmented start;

  if (bpf_skb_load_bytes(skb, ETH_HLEN, &start, sizeof(start)) < 0) return false;
  if (start.ip.nexthdr == IPPROTO_ESP) return cut_first(skb, &start, part);
  return start.ip.nexthdr == HEADER_FRAGMENT && !start.fragment && cut_rest(skb, &start, part);
}

#endif
