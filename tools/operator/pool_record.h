// Which PodCIDRs of the pools have ever been given out, in few words: what the acting replica
// leaves to the next one. Pure.
//
//   used    "10.0.0.0/24+312 fd00::/120+4": the first of so many that follow one another
//   freed   "10.0.7.0/24=worker9 10.0.1.0/24=": freed first, and which Node had it
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/operator/cidr_pool.h"

namespace pellicle {

// Of what was freed the newest are written down with their Nodes: 500 are 15 KiB of the 256 that
// the API allows. The others are known to have been used.
inline constexpr size_t kMostFreed = 500;

struct PoolRecord {
  std::string used;
  std::string freed;
  bool operator==(const PoolRecord&) const = default;
};

using FreedCidr = std::pair<Cidr, std::string>;  // and the Node that had it last; empty: unknown

std::string used_text(const std::vector<CidrPool>& pools, const std::set<Cidr>& used);
std::string freed_text(const std::vector<FreedCidr>& oldest_first);

// What is no PodCIDR of the pools, or no such text, is left out: another replica may have other
// pools.
std::set<Cidr> read_used(const std::vector<CidrPool>& pools, std::string_view text);
std::vector<FreedCidr> read_freed(const std::vector<CidrPool>& pools, std::string_view text);

}  // namespace pellicle
