/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Parses the packet's headers, IPv4 and IPv6. */
#ifndef PELLICLE_LIB_PACKET_H
#define PELLICLE_LIB_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/datapath.h"

/* AF_INET and AF_INET6, which only a user-space header defines. */
enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };

/* IPv6 extension headers that may precede the payload (RFC 8200, 4). */
enum { HEADER_HOP_BY_HOP = 0, HEADER_ROUTING = 43, HEADER_FRAGMENT = 44, HEADER_DESTINATION = 60 };

/* No sender uses more than the four of RFC 8200, with destination options twice. */
enum { MOST_HEADERS = 6 };

#define IN_WORDS_OF_64_BITS __attribute__((aligned(8)))
typedef u64 __attribute__((may_alias)) half_address;

enum { PROTOCOL_UNREADABLE = 256 }; /* no protocol: extension headers truncated or too many */

struct packet {
  struct ip_address source;
  struct ip_address destination;
  u32 family;   /* FAMILY_* */
  u32 protocol; /* of the payload, behind IPv6 extension headers */
  u32 tos;      /* in the form for bpf_fib_lookup: IPv4's TOS byte, IPv6's class and flow label */
} IN_WORDS_OF_64_BITS;

/* Both must be aligned to 8 bytes: in map records they are, and types with an address on the stack
 * ask for it. The verifier refuses the program otherwise. */
static __always_inline bool same_address(const struct ip_address* a, const struct ip_address* b) {
  const half_address *x = (const half_address*)a, *y = (const half_address*)b;

  return x[0] == y[0] && x[1] == y[1];
}

static __always_inline bool is_ip(const struct __sk_buff* skb) {
  return skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6);
}

static __always_inline bool is_arp(const struct __sk_buff* skb) {
  return skb->protocol == bpf_htons(ETH_P_ARP);
}

/* A tag that the kernel moved out of the frame, or the inner one of two, still in the frame. */
static __always_inline bool is_tagged(const struct __sk_buff* skb) {
  return skb->vlan_present || skb->protocol == bpf_htons(ETH_P_8021Q) ||
         skb->protocol == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool read_ipv4(const struct __sk_buff* skb, u32 l2_length,
                                      struct packet* packet, u32* carried) {
  struct iphdr ip;

  if (bpf_skb_load_bytes(skb, l2_length, &ip, sizeof(ip)) < 0) return false;
  if (ip.version != 4 || ip.ihl < 5 || skb->len < l2_length + ip.ihl * 4u) return false;
  packet->family = FAMILY_IPV4;
  packet->protocol = ip.protocol; /* every fragment carries it */
  packet->tos = ip.tos;
  packet->source.words[0] = ip.saddr;
  packet->destination.words[0] = ip.daddr;
  *carried = ip.frag_off & bpf_htons(0x1fff) ? 0 : l2_length + ip.ihl * 4u;
  return true;
}

/* The protocol behind the extension headers; `next` is the type of the first. A fragment that is
 * not the first has only data behind its fragment header, whose `next` repeats the first
 * fragment's. */
static __always_inline u32 carried_protocol(const struct __sk_buff* skb, u32 l2_length, u32 next,
                                            u32* carried) {
  u32 offset = l2_length + sizeof(struct ipv6hdr);

#pragma unroll /* the verifier (6.1) rejects the loop as clang 14 compiles it */
  for (int i = 0; i <= MOST_HEADERS; ++i) {
    struct {
      u8 next;
      u8 length; /* in units of 8 bytes, not counting the first; reserved in a fragment header */
      __be16 fragment;
    } header;

    if (next != HEADER_HOP_BY_HOP && next != HEADER_ROUTING && next != HEADER_FRAGMENT &&
        next != HEADER_DESTINATION) {
      *carried = offset;
      return next;
    }
    if (i == MOST_HEADERS || bpf_skb_load_bytes(skb, offset, &header, sizeof(header)) < 0) break;
    if (next == HEADER_FRAGMENT) {
      if (header.fragment & bpf_htons(0xfff8)) return header.next;
      offset += 8;
    } else {
      offset += (header.length + 1) * 8;
    }
    next = header.next;
  }
  return PROTOCOL_UNREADABLE;
}

static __always_inline bool read_ipv6(const struct __sk_buff* skb, u32 l2_length,
                                      struct packet* packet, u32* carried) {
  struct ipv6hdr ip;

  if (bpf_skb_load_bytes(skb, l2_length, &ip, sizeof(ip)) < 0 || ip.version != 6) return false;
  packet->family = FAMILY_IPV6;
  packet->protocol = carried_protocol(skb, l2_length, ip.nexthdr, carried);
  __builtin_memcpy(&packet->tos, &ip, sizeof(packet->tos));
  packet->tos &= bpf_htonl(0x0fffffff);
  __builtin_memcpy(&packet->source, &ip.saddr, sizeof(packet->source));
  __builtin_memcpy(&packet->destination, &ip.daddr, sizeof(packet->destination));
  return true;
}

/* Reads the fixed part of the IP header; false if there is none or it is truncated. Copies instead
 * of pointing into the packet: of a large packet only the frame header may be in the linear part.
 * `l2_length` is the length of the frame header: ETH_HLEN, or 0 on a device without one. Sets
 * `carried` to the offset of the payload in the frame; 0: none, as in a fragment that is not the
 * first. */
static __always_inline bool read_whole_packet(const struct __sk_buff* skb, u32 l2_length,
                                              struct packet* packet, u32* carried) {
  __builtin_memset(packet, 0, sizeof(*packet));
  *carried = 0;
  if (skb->protocol == bpf_htons(ETH_P_IP)) return read_ipv4(skb, l2_length, packet, carried);
  if (skb->protocol == bpf_htons(ETH_P_IPV6)) return read_ipv6(skb, l2_length, packet, carried);
  return false;
}

static __always_inline bool read_packet(const struct __sk_buff* skb, u32 l2_length,
                                        struct packet* packet) {
  u32 unused;

  return read_whole_packet(skb, l2_length, packet, &unused);
}

/* Addressed to a neighbour or a group of neighbours (fe80::/10, ff00::/8): neighbour and router
 * discovery, MLD. Such a packet stays on its link. (IPv4 needs no check: ARP is not IP, and its
 * groups are no peer's pods.) */
static __always_inline bool stays_on_link(const struct packet* packet) {
  u32 first = bpf_ntohl(packet->destination.words[0]);

  return packet->family == FAMILY_IPV6 && (first >> 22 == 0xfe80 >> 6 || first >> 24 == 0xff);
}

static __always_inline bool has_mark(const struct __sk_buff* skb, u32 mark) {
  return (skb->mark & MARK_FIELD) == mark;
}

#endif
