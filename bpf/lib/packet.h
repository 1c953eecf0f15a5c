/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What a packet says about itself. */
#ifndef PELLICLE_LIB_PACKET_H
#define PELLICLE_LIB_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/datapath.h"

static __always_inline bool is_ipv4(const struct __sk_buff* skb) {
  return skb->protocol == bpf_htons(ETH_P_IP);
}

/* A tag the kernel has taken out of the frame, or (the inner one of two) one still in it. */
static __always_inline bool is_tagged(const struct __sk_buff* skb) {
  return skb->vlan_present || skb->protocol == bpf_htons(ETH_P_8021Q) ||
         skb->protocol == bpf_htons(ETH_P_8021AD);
}

/* Reads the fixed part of the IPv4 header; false when the header is cut short or no IPv4 header.
 * Copies rather than points into the packet, because of a large one only the frame header may be in
 * the linear part. Every device we attach to has Ethernet frames. */
static __always_inline bool read_ipv4(const struct __sk_buff* skb, struct iphdr* ip) {
  if (bpf_skb_load_bytes(skb, ETH_HLEN, ip, sizeof(*ip)) < 0) return false;
  return ip->version == 4 && ip->ihl >= 5 && skb->len >= ETH_HLEN + ip->ihl * 4u;
}

static __always_inline bool has_mark(const struct __sk_buff* skb, u32 mark) {
  return (skb->mark & MARK_FIELD) == mark;
}

#endif
