/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Does a pod send from its own addresses? Checks IPv4, IPv6, ARP and neighbour discovery. */
#ifndef PELLICLE_LIB_SOURCE_H
#define PELLICLE_LIB_SOURCE_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"
#include "bpf/lib/seen.h"

/* RFC 4861, RFC 2710 and 3810. */
enum {
  ICMPV6_MLD_REPORT = 131,
  ICMPV6_ROUTER_ADVERTISEMENT = 134,
  ICMPV6_SOLICITATION = 135,
  ICMPV6_ADVERTISEMENT = 136,
  ICMPV6_REDIRECT = 137,
  ICMPV6_MLD2_REPORT = 143,
};

enum { ARP_REQUEST = 1 };

/* RFC 826, for Ethernet and IPv4. */
struct arp_packet {
  __be16 hardware;
  __be16 protocol;
  u8 hardware_length;
  u8 protocol_length;
  __be16 operation;
  u8 sender_mac[ETH_ALEN];
  u8 sender[4];
  u8 target_mac[ETH_ALEN];
  u8 target[4];
};

/* The first bytes of a neighbour solicitation or advertisement. */
struct neighbour_message {
  u8 type;
  u8 code;
  __be16 checksum;
  u32 flags;
  struct ip_address target;
} IN_WORDS_OF_64_BITS;

/* Not inlined: keeps the lookups out of the path of a source that this CPU has just seen. `seen` is
 * where to remember it; NULL: nowhere. */
static __noinline int look_up_own(u32 ifindex, u32 family, const struct ip_address* address,
                                  u64 turn, struct seen_pod* seen) {
  struct source_key key = {.prefix_length = 8 * (sizeof(key) - sizeof(key.prefix_length)),
                           .ifindex = ifindex,
                           .family = family,
                           .address = *address};
  const struct endpoint_value* pod = family == FAMILY_IPV4
                                         ? bpf_map_lookup_elem(&pellicle_eps, &key.address.words[0])
                                         : bpf_map_lookup_elem(&pellicle_eps6, &key.address);

  if (!(pod && pod->ifindex == ifindex) && !bpf_map_lookup_elem(&pellicle_source, &key)) return 0;
  if (seen) {
    seen->turn = turn;
    seen->address = key.address;
    seen->ifindex = ifindex;
  }
  return 1;
}

/* The pod behind the device has this address, or may send from it. The device is the one the packet
 * came in on, also where the program runs on the device that shapes the pod. */
static __always_inline bool is_own(const struct __sk_buff* skb, u32 family,
                                   const struct ip_address* address) {
  u32 ifindex = skb->ingress_ifindex, slot = seen_slot(ifindex, family);
  struct seen_pod* seen = bpf_map_lookup_elem(&pellicle_seenpd, &slot);
  u64 turn = current_turn();

  if (seen && seen->turn == turn && seen->ifindex == ifindex &&
      same_address(&seen->address, address))
    return true;
  return look_up_own(ifindex, family, address, turn, seen);
}

/* A request with sender 0.0.0.0 probes for another holder of the address (RFC 5227). */
static __always_inline bool is_own_arp(const struct __sk_buff* skb) {
  struct ip_address sender IN_WORDS_OF_64_BITS = {};
  struct arp_packet arp;

  if (bpf_skb_load_bytes(skb, ETH_HLEN, &arp, sizeof(arp)) < 0) return false;
  if (arp.protocol != bpf_htons(ETH_P_IP) || arp.hardware_length != ETH_ALEN ||
      arp.protocol_length != sizeof(arp.sender))
    return false;
  __builtin_memcpy(&sender.words[0], arp.sender, sizeof(arp.sender));
  if (!sender.words[0]) return arp.operation == bpf_htons(ARP_REQUEST);
  return is_own(skb, FAMILY_IPV4, &sender);
}

/* Messages that a pod may send on its link before it has an address: duplicate address detection
 * and multicast listener reports. */
static __always_inline bool needs_no_address(const struct packet* packet, u8 type) {
  const struct ip_address* source = &packet->source;

  return !(source->words[0] | source->words[1] | source->words[2] | source->words[3]) &&
         stays_on_link(packet) &&
         (type == ICMPV6_SOLICITATION || type == ICMPV6_MLD_REPORT || type == ICMPV6_MLD2_REPORT);
}

/* A pod is no router, and answers only for its own addresses. */
static __always_inline bool is_own_icmpv6(const struct __sk_buff* skb, const struct packet* packet,
                                          u32 carried) {
  struct neighbour_message message;
  u8 type;

  if (bpf_skb_load_bytes(skb, carried, &type, sizeof(type)) < 0) return false;
  if (type == ICMPV6_ROUTER_ADVERTISEMENT || type == ICMPV6_REDIRECT) return false;
  if (needs_no_address(packet, type)) return true;
  if (type == ICMPV6_ADVERTISEMENT &&
      (bpf_skb_load_bytes(skb, carried, &message, sizeof(message)) < 0 ||
       !is_own(skb, FAMILY_IPV6, &message.target)))
    return false;
  return is_own(skb, FAMILY_IPV6, &packet->source);
}

/* `carried` as set by read_whole_packet(). */
static __always_inline bool is_own_packet(const struct __sk_buff* skb, const struct packet* packet,
                                          u32 carried) {
  if (packet->protocol == IPPROTO_ICMPV6 && packet->family == FAMILY_IPV6 && carried)
    return is_own_icmpv6(skb, packet, carried);
  return is_own(skb, packet->family, &packet->source);
}

#endif
