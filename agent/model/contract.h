// The datapath contract between user space and the kernel: marks, tables, priorities, devices.
// agent/kernel/contract.cpp compares it with bpf/datapath.h when it is compiled.
#pragma once

#include <cassert>
#include <cstdint>

#include "agent/model/objects.h"

namespace pellicle {

inline constexpr uint32_t kReqId = 1;           // in every template and state, as in Cilium
inline constexpr uint32_t kEncryptTable = 200;  // routing table of marked packets
// Tables for packets that policies with a mark would miss. They lead to cilium_host, whose program
// marks the packets. Their numbers are below main's, so that a peer's route is added here before
// its route in main.
inline constexpr uint32_t kMarkPodsTable = 214;   // for peers' PodCIDRs
inline constexpr uint32_t kMarkNodesTable = 215;  // for peers' own addresses, with host encryption
inline constexpr uint32_t kBehindMetric = 4096;   // of the unreachable routes in these two
inline constexpr uint32_t kMainTable = 254;       // RT_TABLE_MAIN
inline constexpr uint8_t kEncryptRouteProtocol = 50;  // `proto 50` of the local route in table 200
inline constexpr Mark kEncryptMark{0xe00, 0xf00};
inline constexpr Mark kDecryptMark{0xd00, 0xf00};
inline constexpr Mark kLocalDecryptedMark{0x200, 0xf00};  // decrypted, not for a pod of this node
inline constexpr Mark kPodMark{0x100, 0xf00};             // MARK_POD of bpf/datapath.h
inline constexpr Mark kUnmarked{0, 0x800};  // neither to be encrypted nor just decrypted
// Alone or together with kPodMark or kLocalDecryptedMark: no policy selects the packet until source
// NAT of its connection is done. See netfilter.cpp.
inline constexpr Mark kBeforeNatMark{0x400, 0xc00};
inline constexpr Mark kForwardedMark{0x200, 0xb00};  // kLocalDecryptedMark, with or without 0x400
inline constexpr uint32_t kPairReplayWindow = 1024;  // packets, with ESN; as in Cilium 1.19
inline constexpr const char* kHostDevice = "cilium_host";
inline constexpr const char* kNetDevice = "cilium_net";
constexpr Mark encrypt_mark(uint8_t key_id) {  // 0x3e00/0xff00 for key 3
  assert(key_id >= 1 && key_id <= 15);         // four bits of the mark; 0 means no key
  return {kEncryptMark.value | uint32_t{key_id} << 12, kEncryptMark.mask | 0xf000};
}

// Priorities of the OUT policies without a key's mark; the kernel takes the lowest number first.
// Policies with a key's mark have 0 (as in the seed) and precede all of these.
inline constexpr uint32_t kBeforeNatPriority = 70;
inline constexpr uint32_t kPeerPriority = 71;
inline constexpr uint32_t kPassPriority = 72;     // between local pods, and packets marked later
inline constexpr uint32_t kUnreadyPriority = 73;  // PodCIDR of a Node not ready or not believed
inline constexpr uint32_t kStrictPriority = 74;   // to the strict CIDR
inline constexpr uint32_t kBlockPriority = 100;   // the permanent block policy for the encrypt mark

}  // namespace pellicle
