/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The one contract between the eBPF programs and the agent: marks, map layouts, names, reasons. */
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

/* Packet marks, bits 8..15; the field is written whole, never ORed into. */
enum {
  MARK_FIELD = 0xf00,   /* what the packet is */
  MARK_ENCRYPT = 0xe00, /* to be encrypted, or just was: key id << 12 | 0xe00 */
  MARK_DECRYPT = 0xd00, /* ESP for us, or what just came out of it */
  MARK_LOCAL = 0x200,   /* decrypted and not for a pod of this node, or the answer to such */
  MARK_POD = 0x100,     /* from a pod of this node, with host encryption; judged after NAT */
  MARK_KEY_SHIFT = 12,  /* key id 1..15 */
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
#define MAP_DROPS "pellicle_drops"      /* PERCPU_ARRAY[DROP_REASONS]: struct drop_value */
#define MAP_LISTENER "pellicle_listen"  /* ARRAY[1], BPF_F_MMAPABLE: struct listener */
#define MAP_EVENTS "pellicle_events"    /* RINGBUF: struct event */
#define MAP_PATHS "pellicle_paths"      /* RINGBUF: struct path_report */

enum { MAX_PEERS = 16384, MAX_ENDPOINTS = 4096 }; /* of each family */
enum { MAX_SOURCES = 16384 };                     /* a link-local address a pod, and four more */
enum { MAX_OWNERS = 2 * MAX_PEERS };              /* of each family: a node's pods, and itself */
enum { MAX_FORGERIES = 1024 };                    /* the ones that happened last */
enum { EVENT_BYTES = 256 * 1024 }; /* of the ring: 3640 events; a power of 2, whole pages */
enum { PATH_BYTES = 4096 };        /* of the ring: 73 reports */

/* Network order. An IPv4 address is the first word, and the others are zero. */
struct ip_address {
  u32 words[4];
};

struct peer_value {
  u32 key_id; /* 1..15, or KEY_NOT_YET */
  u16 node;   /* 1: the node's own address, of which only what pods have a part in is encrypted */
  u16 path;   /* MTU of a path whose ESP is sent in fragments; 0: as it is */
};

enum {
  KEY_NOT_YET = 0, /* a Node's pods, but nothing may be sent there yet */
};

/* What this node is in one family; all zero: it has no pods of that family. */
struct node_network {
  struct ip_address prefix; /* the PodCIDR */
  struct ip_address mask;
  struct ip_address router;  /* cilium_host's address */
  struct ip_address address; /* the Node's own; zero: it has none of the family */
};

struct datapath_config {
  struct node_network v4;
  struct node_network v6;
  u32 host_ifindex;    /* cilium_host */
  u32 net_ifindex;     /* cilium_net */
  u32 uplink_ifindex;  /* eth0 */
  u32 host_encryption; /* 1: also what is between pods and other nodes' own addresses */
};

struct peer_key {
  u32 prefix_length; /* 0..32 */
  u32 address;       /* network order */
};

struct peer6_key {
  u32 prefix_length; /* 0..128 */
  struct ip_address address;
};

struct endpoint_value {
  u32 ifindex;
  u8 pod_mac[6]; /* destination, then source, as they lie in the frame */
  u8 host_mac[6];
};

/* What a pod may send from beside its own addresses: its link-local one, and what it is allowed. */
struct source_key {
  u32 prefix_length; /* 64 of what stands before the address, and the network's */
  u32 ifindex;       /* the host's end of the pod's device */
  u32 family;        /* AF_INET, AF_INET6 */
  struct ip_address address;
};

/* What is done with a packet in the clear whose source's node says that it encrypts. */
enum clear_text { CLEAR_PASSES, CLEAR_IS_OBSERVED, CLEAR_IS_DROPPED };

/* Whose an address is: a node's pods' or a node's own, this node's among them. */
struct owner_value {
  struct ip_address router; /* the node's cilium_host address, by which its ESP is known */
  u16 to_pods;              /* enum clear_text, for a pod of this node, its router or a Service */
  u16 to_node;              /* enum clear_text, for this node's own address */
};

enum forgery_kind {
  FORGED_IN_ESP,  /* from a node, with another's address inside its ESP: dropped */
  CLEAR_DROPPED,  /* in the clear, from an address whose node encrypts */
  CLEAR_OBSERVED, /* the same, and let in */
};

/* Packets in another's name, which are counted together. */
struct forgery {
  struct ip_address sender; /* the router of the node whose ESP it was; zero: it was none */
  struct ip_address owner;  /* the router of the node whose address it had */
  u32 family;               /* AF_INET, AF_INET6 */
  u32 kind;                 /* enum forgery_kind */
};

enum drop_reason {
  DROP_NO_KEY,      /* for a peer's pods, but no key to send with yet, or no entry in the map */
  DROP_UNENCRYPTED, /* for a peer's pods, yet still in the clear on cilium_host or the uplink */
  DROP_NO_ENDPOINT, /* for a pod address of this node that no pod has */
  DROP_NO_ROUTE,    /* ESP without a way to the peer; a packet for a local pod about to leave */
  DROP_MALFORMED,   /* an IP header that is cut short, or more IPv6 headers than anybody needs */
  DROP_NO_CONFIG,   /* the agent has not filled the configuration yet */
  DROP_TAGGED,      /* a VLAN-tagged frame from a pod */
  DROP_FORGED,      /* from a pod, but not from one of its own addresses */
  DROP_FORGED_NODE, /* out of a node's ESP, but with another node's address */
  DROP_CLEAR_TEXT,  /* came in the clear, although its source's node encrypts */
  DROP_REASONS
};

struct drop_value {
  u64 packets;
  u64 bytes;
};

/* What a program did with a packet, in the order in which an encrypted one meets them. */
enum event_kind {
  EVENT_MARKED,    /* to be encrypted: as a pod sent it, or later on cilium_host */
  EVENT_ENCRYPTED, /* our ESP, on its way from cilium_net to the peer */
  EVENT_RECEIVED,  /* ESP for this node, on its way into XFRM */
  EVENT_DECRYPTED, /* what came out of XFRM */
  EVENT_DELIVERED, /* to a pod of this node, wherever it came from */
  EVENT_DROPPED,
  EVENT_KINDS
};

/* Who hears of it. Programs write to `lost` alone, and a listener maps this into its memory: no
 * update of its own takes back what they counted. */
struct listener {
  u64 until;   /* CLOCK_MONOTONIC, ns; 0: nobody listens. Renewed, so that one that was killed or
                  does not come to read any more is nobody soon */
  u64 lost;    /* events that the ring had no room for */
  u32 kinds;   /* 1 << enum event_kind of each that is wanted */
  u32 one_in;  /* of so many events each is told with the same chance; 0 and 1: every one */
  u32 process; /* the listener's id, for whoever would like to be it */
  u32 unused;
};

/* One packet at one program. Numbers are in host order, addresses in network order. */
struct event {
  u64 time; /* CLOCK_MONOTONIC, ns */
  struct ip_address source;
  struct ip_address destination;
  u32 ifindex;     /* the program's device; of a delivered packet the pod's */
  u32 length;      /* of the frame */
  u32 spi;         /* of ESP; 0: not ESP, or a fragment that is not the first */
  u16 ethertype;   /* in a frame with tags of its own the first one's */
  u16 protocol;    /* behind the headers of IPv6; more than 255: it cannot be told */
  u16 source_port; /* of TCP, UDP, SCTP; both 0: others, or a fragment that is not the first */
  u16 destination_port;
  u8 family; /* AF_INET, AF_INET6; 0: not IP, or its header cannot be read: no addresses either */
  u8 kind;   /* enum event_kind */
  u8 reason; /* enum drop_reason, of EVENT_DROPPED */
  u8 key_id; /* of EVENT_MARKED and EVENT_ENCRYPTED */
};

/* A router's word that ESP of this node's was too big for its next link. Numbers are in host order,
 * addresses in network order. */
struct path_report {
  struct ip_address peer;   /* whom the packet was for */
  struct ip_address router; /* who says so */
  u32 mtu;                  /* of the link, IP header included */
  u32 spi;                  /* of the packet */
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
_Static_assert(sizeof(struct forgery) == 40, "shared layout");
_Static_assert(sizeof(struct drop_value) == 16, "shared layout");
_Static_assert(sizeof(struct listener) == 32, "shared layout");
_Static_assert(sizeof(struct event) == 64, "shared layout");
_Static_assert(sizeof(struct path_report) == 44, "shared layout");
#endif
#endif
