// A compact record of all PodCIDRs of the pools ever assigned. The leader leaves it to the next
// one. Pure.
//
//   used    "10.0.0.0/24+312 fd00::/120+4": first PodCIDR and length of each consecutive range
//   freed   "10.0.7.0/24=worker9 10.0.1.0/24=": oldest first, each with the Node that had it
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/operator/cidr_pool.h"

namespace pellicle {

// The newest freed PodCIDRs are recorded with their Nodes: 500 take 15 KiB of the 256 that the API
// allows. Older ones only count as used.
inline constexpr size_t kMostFreed = 500;

struct PoolRecord {
  std::string used;
  std::string freed;
  bool operator==(const PoolRecord&) const = default;
};

using FreedCidr = std::pair<Cidr, std::string>;  // with the Node that had it last; empty: unknown

std::string used_text(const std::vector<CidrPool>& pools, const std::set<Cidr>& used);
std::string freed_text(const std::vector<FreedCidr>& oldest_first);

// Skips malformed entries and PodCIDRs outside the pools: another replica may have other pools.
std::set<Cidr> read_used(const std::vector<CidrPool>& pools, std::string_view text);
std::vector<FreedCidr> read_freed(const std::vector<CidrPool>& pools, std::string_view text);

}  // namespace pellicle
