/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The maps, named as in datapath.h. The agent pins them; these definitions request no pinning. */
#ifndef PELLICLE_LIB_MAPS_H
#define PELLICLE_LIB_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/datapath.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct datapath_config);
} pellicle_config SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MAX_PEERS);
  __uint(map_flags, BPF_F_NO_PREALLOC); /* an LPM trie requires it */
  __type(key, struct peer_key);
  __type(value, struct peer_value);
} pellicle_peers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MAX_PEERS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct peer6_key);
  __type(value, struct peer_value);
} pellicle_peers6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MAX_ENDPOINTS);
  __type(key, u32);
  __type(value, struct endpoint_value);
} pellicle_eps SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, MAX_ENDPOINTS);
  __type(key, struct ip_address);
  __type(value, struct endpoint_value);
} pellicle_eps6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MAX_SOURCES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct source_key);
  __type(value, u32);
} pellicle_source SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MAX_OWNERS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct peer_key);
  __type(value, struct owner_value);
} pellicle_owner SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MAX_OWNERS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct peer6_key);
  __type(value, struct owner_value);
} pellicle_owner6 SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SEEN_SLOTS);
  __type(key, u32);
  __type(value, struct seen_owner);
} pellicle_seen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, SEEN_SLOTS);
  __type(key, u32);
  __type(value, struct seen_pod);
} pellicle_seenpd SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, u32);
  __type(value, u64);
} pellicle_turn SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, MAX_FORGERIES);
  __type(key, struct forgery);
  __type(value, struct drop_value);
} pellicle_forged SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, DROP_REASONS);
  __type(key, u32);
  __type(value, struct drop_value);
} pellicle_drops SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, u32);
  __type(value, struct listener);
} pellicle_listen SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, EVENT_BYTES);
} pellicle_events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, PATH_BYTES);
} pellicle_paths SEC(".maps");

#endif
