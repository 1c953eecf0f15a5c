// Which addresses of a PodCIDR can be given out, and which one is next.
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

  // In the network, and neither its first address (IPv4: the network's, RFC 1122; IPv6: the
  // routers' anycast, RFC 4291 2.6.1) nor, for IPv4, its last (broadcast). So nothing of a /31, a
  // /32 or a /128 is usable.
  bool usable(const IpAddress& address) const;

  // How many are usable: 254 in a /24. 2^62 stands for that and all beyond.
  uint64_t size() const;

  // The lowest usable address that is neither taken nor among `released`; when there is no such,
  // the first of `released` that is not taken: what was freed last comes back last.
  std::optional<IpAddress> first_free(const std::set<IpAddress>& taken,
                                      std::span<const IpAddress> released = {}) const;

 private:
  Cidr cidr_;
};

}  // namespace pellicle
