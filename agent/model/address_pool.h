// Which addresses of a PodCIDR can be allocated, and which one is next.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>

#include "agent/model/ip.h"

namespace pellicle {

class AddressPool {
 public:
  explicit AddressPool(const Cidr& cidr) : cidr_(cidr) {}

  const Cidr& cidr() const { return cidr_; }

  // In the network, but neither its first address (IPv4: the network address, RFC 1122; IPv6: the
  // subnet-router anycast address, RFC 4291 2.6.1) nor, for IPv4, its last (broadcast). So a /31, a
  // /32 and a /128 have no usable address.
  bool usable(const IpAddress& address) const;

  // Number of usable addresses: 254 in a /24. Returns 2^62 for that many and more.
  uint64_t size() const;

  // The lowest usable address that is neither taken nor in `released`. If there is none, the first
  // of `released` (oldest first) that is not taken: the address freed last is allocated last.
  std::optional<IpAddress> first_free(const std::set<IpAddress>& taken,
                                      std::span<const IpAddress> released = {}) const;

 private:
  Cidr cidr_;
};

}  // namespace pellicle
