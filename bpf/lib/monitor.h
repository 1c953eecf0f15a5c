/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Events for the listener (`pellicle monitor`). */
#ifndef PELLICLE_LIB_MONITOR_H
#define PELLICLE_LIB_MONITOR_H

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

static __always_inline bool has_ports(u32 protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* Reads the first bytes of the payload: SPI or ports. */
static __always_inline void read_carried(const struct __sk_buff* skb, u32 carried,
                                         struct event* event) {
  __be32 spi;
  __be16 ports[2];

  if (!carried) return;
  if (event->protocol == IPPROTO_ESP && bpf_skb_load_bytes(skb, carried, &spi, sizeof(spi)) == 0)
    event->spi = bpf_ntohl(spi);
  if (has_ports(event->protocol) && bpf_skb_load_bytes(skb, carried, ports, sizeof(ports)) == 0) {
    event->source_port = bpf_ntohs(ports[0]);
    event->destination_port = bpf_ntohs(ports[1]);
  }
}

static __always_inline void read_event(const struct __sk_buff* skb, u32 l2_length,
                                       struct event* event) {
  struct packet packet;
  u32 carried;

  event->ifindex = skb->ifindex;
  event->length = skb->len;
  event->ethertype = bpf_ntohs(skb->protocol);
  if (!read_whole_packet(skb, l2_length, &packet, &carried)) return;
  event->family = packet.family;
  event->protocol = packet.protocol;
  event->source = packet.source;
  event->destination = packet.destination;
  read_carried(skb, carried, event);
}

/* Does the listener want this event? Reads the clock last: that costs most. */
static __always_inline bool is_wanted(const struct listener* listener, u32 kind, u64* now) {
  if (!(listener->kinds >> kind & 1)) return false;
  if (listener->one_in > 1 && bpf_get_prandom_u32() % listener->one_in) return false;
  *now = bpf_ktime_get_ns();
  return *now < listener->until;
}

/* Not inlined: keeps this code out of the packet path of a node without a listener. It parses the
 * packet again, so that callers need not keep anything for it. */
static __noinline int tell(struct __sk_buff* skb, u32 l2_length, u32 kind, u32 detail) {
  u32 only = 0;
  struct listener* listener = bpf_map_lookup_elem(&pellicle_listen, &only);
  struct event event;
  u64 now;

  if (!listener || !is_wanted(listener, kind, &now)) return 0;

  __builtin_memset(&event, 0, sizeof(event));
  event.time = now;
  event.kind = kind;
  read_event(skb, l2_length, &event);
  if (kind == EVENT_DROPPED) event.reason = detail;
  if (kind == EVENT_MARKED) event.key_id = detail;
  if (kind == EVENT_ENCRYPTED) event.key_id = event.spi & 15;
  if (kind == EVENT_DELIVERED) event.ifindex = detail;
  if (bpf_ringbuf_output(&pellicle_events, &event, sizeof(event), 0) < 0)
    __sync_fetch_and_add(&listener->lost, 1);
  return 0;
}

/* Reports the packet in its present state. `l2_length` is the length of the frame header. `detail`
 * is the key id for EVENT_MARKED, the pod's ifindex for EVENT_DELIVERED and the reason for
 * EVENT_DROPPED; other kinds have no detail. */
static __always_inline void observe_at(struct __sk_buff* skb, u32 l2_length, u32 kind, u32 detail) {
  u32 only = 0;
  const struct listener* listener = bpf_map_lookup_elem(&pellicle_listen, &only);

  if (listener && listener->until) tell(skb, l2_length, kind, detail);
}

static __always_inline void observe(struct __sk_buff* skb, u32 kind, u32 detail) {
  observe_at(skb, ETH_HLEN, kind, detail);
}

#endif
