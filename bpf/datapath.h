/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The contract between the eBPF programs and the agent: marks, map layouts, names, drop reasons. */
#ifndef PELLICLE_DATAPATH_H
#define PELLICLE_DATAPATH_H

#ifdef __cplusplus
#include <cstdint>
namespace pellicle::datapath {
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
#else
#include <linux/types.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#endif

/* Packet marks, bits 8..15. Programs write the whole field, never OR into it. */
enum {
  MARK_FIELD = 0xf00,   /* what the packet is */
  MARK_ENCRYPT = 0xe00, /* to be encrypted, or just encrypted: key id << 12 | 0xe00 */
  MARK_DECRYPT = 0xd00, /* ESP for this node, or a packet just decrypted from it */
  MARK_LOCAL = 0x200,  /* decrypted and not for a pod of this node, or an answer to such a packet */
  MARK_POD = 0x100,    /* from a local pod, with host encryption; policies apply after NAT */
  MARK_KEY_SHIFT = 12, /* key id 1..15 */
};

/* Map names, at most 15 characters, pinned under <bpf root>/<name>. */
#define MAP_CONFIG "pellicle_config" /* ARRAY[1]: struct datapath_config */
#define MAP_PEERS "pellicle_peers"   /* LPM_TRIE: struct peer_key -> struct peer_value */
#define MAP_PEERS6 "pellicle_peers6" /* LPM_TRIE: struct peer6_key -> struct peer_value */
#define MAP_ENDPOINTS \
  "pellicle_eps" /* HASH: u32 IPv4 address, network order -> struct endpoint_value */
#define MAP_ENDPOINTS6 "pellicle_eps6"  /* HASH: struct ip_address -> struct endpoint_value */
#define MAP_SOURCES "pellicle_source"   /* LPM_TRIE: struct source_key -> u32, unused */
#define MAP_OWNERS "pellicle_owner"     /* LPM_TRIE: struct peer_key -> struct owner_value */
#define MAP_OWNERS6 "pellicle_owner6"   /* LPM_TRIE: struct peer6_key -> struct owner_value */
#define MAP_FORGERIES "pellicle_forged" /* LRU_HASH: struct forgery -> struct drop_value */
#define MAP_SEEN_OWNERS "pellicle_seen" /* PERCPU_ARRAY[SEEN_SLOTS]: struct seen_owner */
#define MAP_SEEN_PODS "pellicle_seenpd" /* PERCPU_ARRAY[SEEN_SLOTS]: struct seen_pod */
#define MAP_TURN "pellicle_turn"        /* ARRAY[1], BPF_F_MMAPABLE: u64, see struct seen_owner */
#define MAP_DROPS "pellicle_drops"      /* PERCPU_ARRAY[DROP_REASONS]: struct drop_value */
#define MAP_LISTENER "pellicle_listen"  /* ARRAY[1], BPF_F_MMAPABLE: struct listener */
#define MAP_EVENTS "pellicle_events"    /* RINGBUF: struct event */
#define MAP_PATHS "pellicle_paths"      /* RINGBUF: struct path_report */

enum { MAX_PEERS = 16384, MAX_ENDPOINTS = 4096 }; /* per family */
enum { MAX_SOURCES = 16384 };        /* per pod its link-local address and up to four networks */
enum { MAX_OWNERS = 2 * MAX_PEERS }; /* per family: a node's PodCIDR and its own address */
enum { MAX_FORGERIES = 1024 };       /* LRU: only the most recent ones stay */
enum { SEEN_SLOTS = 256 };           /* per CPU, half of them for IPv6; a power of 2 */
enum { EVENT_BYTES = 256 * 1024 };   /* ring size: 3640 events; a power of 2, whole pages */
enum { PATH_BYTES = 4096 };          /* ring size: 73 reports */

/* Network byte order. An IPv4 address is the first word; the other words are zero. */
struct ip_address {
  u32 words[4];
};

struct peer_value {
  u32 key_id; /* 1..15, or KEY_NOT_YET */
  u16 node;   /* 1: the node's own address; only traffic that involves a pod is encrypted */
  u16 path;   /* MTU of a path on which ESP is sent in fragments; 0: not fragmented */
};

enum {
  KEY_NOT_YET = 0, /* PodCIDR of a Node to which nothing may be sent yet */
};

/* This node in one family; all zero: the node has no pods of that family. */
struct node_network {
  struct ip_address prefix; /* the PodCIDR */
  struct ip_address mask;
  struct ip_address router;  /* cilium_host's address */
  struct ip_address address; /* the Node's InternalIP; zero: it has none of the family */
};

struct datapath_config {
  struct node_network v4;
  struct node_network v6;
  u32 host_ifindex;    /* cilium_host */
  u32 net_ifindex;     /* cilium_net */
  u32 uplink_ifindex;  /* eth0 */
  u32 host_encryption; /* 1: also encrypts between pods and other nodes' own addresses */
};

struct peer_key {
  u32 prefix_length; /* 0..32 */
  u32 address;       /* network byte order */
};

struct peer6_key {
  u32 prefix_length; /* 0..128 */
  struct ip_address address;
};

struct endpoint_value {
  u32 ifindex;
  u8 pod_mac[6]; /* destination MAC, then source MAC, as in the frame */
  u8 host_mac[6];
};

/* What a pod may send from besides its own addresses: link-local and allowed networks. */
struct source_key {
  u32 prefix_length; /* 64 for the fields before the address, plus the network's prefix length */
  u32 ifindex;       /* host end of the pod's veth */
  u32 family;        /* AF_INET, AF_INET6 */
  struct ip_address address;
};

/* What happens to a cleartext packet whose source node announces that it encrypts. */
enum clear_text { CLEAR_PASSES, CLEAR_IS_OBSERVED, CLEAR_IS_DROPPED };

/* Which node owns an address: of its PodCIDR or its own, this node included. */
struct owner_value {
  struct ip_address router; /* the node's cilium_host address; identifies its ESP */
  u16 to_pods; /* enum clear_text, for packets to a pod of this node, its router or a Service */
  u16 to_node; /* enum clear_text, for packets to this node's own address */
};

/* What a CPU last found for a source: spares it the lookups in hashes and tries. The agent adds one
 * to MAP_TURN after each write to the maps of endpoints, sources and owners, which makes all
 * entries of an earlier turn void. All zero: nothing was found yet. */
struct seen_owner {
  u64 turn;
  struct ip_address address;
  struct owner_value owner;
  u32 is_owned; /* 0: no node owns the address */
};

/* The pod behind this device may send from this address. */
struct seen_pod {
  u64 turn;
  struct ip_address address;
  u32 ifindex;
  u32 unused;
};

enum forgery_kind {
  FORGED_IN_ESP,  /* in a node's ESP with another node's inner source: dropped */
  CLEAR_DROPPED,  /* cleartext from an address whose node encrypts: dropped */
  CLEAR_OBSERVED, /* the same, delivered */
};

/* Key for counting packets with a forged source together. */
struct forgery {
  struct ip_address sender; /* router of the sending node; zero: not ESP, or ESP of a shared key */
  struct ip_address owner;  /* router of the node that owns the source address */
  u32 family;               /* AF_INET, AF_INET6 */
  u32 kind;                 /* enum forgery_kind */
};

enum drop_reason {
  DROP_NO_KEY,      /* for a peer's pods, without a key to send with or without a map entry */
  DROP_UNENCRYPTED, /* for a peer's pods, still in the clear on cilium_host or the uplink */
  DROP_NO_ENDPOINT, /* for an address of this node's PodCIDR that no pod has */
  DROP_NO_ROUTE,    /* ESP without a route to the peer; a packet for a local pod about to leave */
  DROP_MALFORMED,   /* truncated IP header, or more IPv6 extension headers than any sender needs */
  DROP_NO_CONFIG,   /* the agent has not filled the configuration yet */
  DROP_TAGGED,      /* a VLAN-tagged frame from a pod */
  DROP_FORGED,      /* from a pod, with a source that is not one of its own addresses */
  DROP_FORGED_NODE, /* decrypted from a node's ESP, with another node's source address */
  DROP_CLEAR_TEXT,  /* received in the clear, although the source's node encrypts */
  DROP_REASONS
};

struct drop_value {
  u64 packets;
  u64 bytes;
};

/* What a program did with a packet, in the order in which an encrypted packet meets them. */
enum event_kind {
  EVENT_MARKED,    /* marked for encryption: as the pod sent it, or later on cilium_host */
  EVENT_ENCRYPTED, /* our ESP, leaving from cilium_net for the peer */
  EVENT_RECEIVED,  /* ESP for this node, about to enter XFRM */
  EVENT_DECRYPTED, /* a packet that XFRM decrypted */
  EVENT_DELIVERED, /* delivered to a pod of this node, whatever its origin */
  EVENT_DROPPED,
  EVENT_KINDS
};

/* The process that listens to events. Programs write only `lost`. The listener maps this record
 * into its memory, so that none of its own updates overwrites what programs counted. */
struct listener {
  u64 until;   /* CLOCK_MONOTONIC, ns; 0: no listener. The listener renews it; a listener that was
                  killed or stops reading expires */
  u64 lost;    /* events that did not fit in the ring */
  u32 kinds;   /* bit mask: 1 << enum event_kind for each kind wanted */
  u32 one_in;  /* report each event with probability 1 / one_in; 0 and 1: all events */
  u32 process; /* the listener's process id, named to a second listener that is refused */
  u32 unused;
};

/* One packet at one program. Numbers are in host order, addresses in network byte order. */
struct event {
  u64 time; /* CLOCK_MONOTONIC, ns */
  struct ip_address source;
  struct ip_address destination;
  u32 ifindex;     /* the program's device; for EVENT_DELIVERED the pod's device */
  u32 length;      /* of the frame, bytes */
  u32 spi;         /* of ESP; 0: not ESP, or not the first fragment */
  u16 ethertype;   /* if the frame still contains VLAN tags, that of the first */
  u16 protocol;    /* behind IPv6 extension headers; above 255: cannot be determined */
  u16 source_port; /* of TCP, UDP, SCTP; both 0: another protocol, or not the first fragment */
  u16 destination_port;
  u8 family; /* AF_INET, AF_INET6; 0: not IP, or unreadable header; then no addresses either */
  u8 kind;   /* enum event_kind */
  u8 reason; /* enum drop_reason, for EVENT_DROPPED */
  u8 key_id; /* for EVENT_MARKED and EVENT_ENCRYPTED */
};

/* A router's report that an ESP packet of this node was too big for its next link. Numbers are in
 * host order, addresses in network byte order. */
struct path_report {
  struct ip_address peer;   /* destination of the packet */
  struct ip_address router; /* the router that reports */
  u32 mtu;                  /* of the link, bytes, IP header included */
  u32 spi;                  /* of the reported packet */
  u32 family;               /* AF_INET, AF_INET6 */
};

#ifdef __cplusplus
static_assert(sizeof(datapath_config) == 144);
static_assert(sizeof(peer_key) == 8);
static_assert(sizeof(peer6_key) == 20);
static_assert(sizeof(peer_value) == 8);
static_assert(sizeof(endpoint_value) == 16);
static_assert(sizeof(source_key) == 28);
static_assert(sizeof(owner_value) == 20);
static_assert(sizeof(seen_owner) == 48);
static_assert(sizeof(seen_pod) == 32);
static_assert(sizeof(forgery) == 40);
static_assert(sizeof(drop_value) == 16);
static_assert(sizeof(listener) == 32);
static_assert(sizeof(event) == 64);
static_assert(sizeof(path_report) == 44);
}  // namespace pellicle::datapath
#else
_Static_assert(sizeof(struct datapath_config) == 144, "shared layout");
_Static_assert(sizeof(struct peer_key) == 8, "shared layout");
_Static_assert(sizeof(struct peer6_key) == 20, "shared layout");
_Static_assert(sizeof(struct peer_value) == 8, "shared layout");
_Static_assert(sizeof(struct endpoint_value) == 16, "shared layout");
_Static_assert(sizeof(struct source_key) == 28, "shared layout");
_Static_assert(sizeof(struct owner_value) == 20, "shared layout");
_Static_assert(sizeof(struct seen_owner) == 48, "shared layout");
_Static_assert(sizeof(struct seen_pod) == 32, "shared layout");
_Static_assert(sizeof(struct forgery) == 40, "shared layout");
_Static_assert(sizeof(struct drop_value) == 16, "shared layout");
_Static_assert(sizeof(struct listener) == 32, "shared layout");
_Static_assert(sizeof(struct event) == 64, "shared layout");
_Static_assert(sizeof(struct path_report) == 44, "shared layout");
#endif
#endif
