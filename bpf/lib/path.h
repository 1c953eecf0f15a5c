/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Reports of routers about ESP packets that were too big for them. */
#ifndef PELLICLE_LIB_PATH_H
#define PELLICLE_LIB_PATH_H

#include "bpf/lib/cluster.h"

/* RFC 792 and 1191, RFC 4443. */
enum { ICMP_UNREACHABLE = 3, ICMP_NEEDS_FRAGMENTING = 4, ICMPV6_TOO_BIG = 2 };

/* The first 8 bytes of an ICMP or ICMPv6 header. */
struct icmp_start {
  u8 type;
  u8 code;
  __be16 checksum;
  __be32 detail; /* MTU of the next link; for IPv4 in the low 16 bits (RFC 1191) */
};

/* The MTU that the message names; 0: another message, or no MTU. */
static __always_inline u32 named_mtu(u32 family, const struct icmp_start* icmp) {
  if (family == FAMILY_IPV4 && icmp->type == ICMP_UNREACHABLE &&
      icmp->code == ICMP_NEEDS_FRAGMENTING)
    return bpf_ntohl(icmp->detail) & 0xffff;
  if (family == FAMILY_IPV6 && icmp->type == ICMPV6_TOO_BIG) return bpf_ntohl(icmp->detail);
  return 0;
}

/* One IP header, parsed only as far as our own ESP and a router's report about it need. */
struct start {
  struct ip_address source;
  struct ip_address destination;
  u32 length; /* of the packet, as stated in its header */
  u32 behind; /* offset of the payload in the frame */
} IN_WORDS_OF_64_BITS;

static __always_inline bool read_start4(const struct __sk_buff* skb, u32 offset, u32 protocol,
                                        struct start* start) {
  struct iphdr ip;

  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return false;
  if (ip.version != 4 || ip.protocol != protocol || ip.frag_off & bpf_htons(0x1fff)) return false;
  start->source.words[0] = ip.saddr;
  start->destination.words[0] = ip.daddr;
  start->length = bpf_ntohs(ip.tot_len);
  start->behind = offset + ip.ihl * 4u;
  return true;
}

static __always_inline bool read_start6(const struct __sk_buff* skb, u32 offset, u32 protocol,
                                        struct start* start) {
  struct ipv6hdr ip;

  if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)) < 0) return false;
  if (ip.version != 6 || ip.nexthdr != protocol) return false;
  __builtin_memcpy(&start->source, &ip.saddr, sizeof(start->source));
  __builtin_memcpy(&start->destination, &ip.daddr, sizeof(start->destination));
  start->length = bpf_ntohs(ip.payload_len) + sizeof(ip);
  start->behind = offset + sizeof(ip);
  return true;
}

/* Passes a router's report to the agent if it quotes an ESP packet of this node that is bigger than
 * the MTU it names. The agent knows which SPIs exist. If the ring is full, the agent has enough
 * reports to read. */
static __noinline int hear_router(struct __sk_buff* skb, u32 l2_length) {
  bool ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
  struct path_report report = {.family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6};
  struct start word = {}, quoted = {};
  struct icmp_start icmp;
  __be32 spi;

  if (ipv4 ? !read_start4(skb, l2_length, IPPROTO_ICMP, &word)
           : !read_start6(skb, l2_length, IPPROTO_ICMPV6, &word))
    return 0;
  if (bpf_skb_load_bytes(skb, word.behind, &icmp, sizeof(icmp)) < 0) return 0;
  report.mtu = named_mtu(report.family, &icmp);
  if (!report.mtu) return 0;
  if (ipv4 ? !read_start4(skb, word.behind + sizeof(icmp), IPPROTO_ESP, &quoted)
           : !read_start6(skb, word.behind + sizeof(icmp), IPPROTO_ESP, &quoted))
    return 0;
  if (!same_address(&quoted.source, &word.destination) || quoted.length <= report.mtu) return 0;
  if (bpf_skb_load_bytes(skb, quoted.behind, &spi, sizeof(spi)) < 0) return 0;
  report.spi = bpf_ntohl(spi);
  report.peer = quoted.destination;
  report.router = word.source;
  bpf_ringbuf_output(&pellicle_paths, &report, sizeof(report), 0);
  return 0;
}

#endif
