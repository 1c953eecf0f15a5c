// A pool of PodCIDRs: one network, split into PodCIDRs of one length.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/model/ip.h"

namespace pellicle {

// 16,777,216 PodCIDRs: more than any cluster needs, and an index stays small.
inline constexpr unsigned kLargestPoolBits = 24;

class CidrPool {
 public:
  // nullopt when `length` is shorter than the network's, leaves less than two addresses per
  // PodCIDR, or makes more than 2^kLargestPoolBits PodCIDRs.
  static std::optional<CidrPool> split(const Cidr& network, unsigned length);

  const Cidr& network() const { return network_; }
  Family family() const { return network_.family(); }
  uint64_t size() const { return uint64_t{1} << (length_ - network_.length()); }
  Cidr at(uint64_t index) const;  // index < size(); 0 is the lowest

  // True when at() returns `cidr` for some index.
  bool has(const Cidr& cidr) const { return index_of(cidr).has_value(); }
  std::optional<uint64_t> index_of(const Cidr& cidr) const;

  auto operator<=>(const CidrPool&) const = default;

 private:
  CidrPool(const Cidr& network, uint8_t length) : network_(network), length_(length) {}
  Cidr network_;
  uint8_t length_ = 0;
};

}  // namespace pellicle
