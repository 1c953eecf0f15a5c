#include "agent/model/address_pool.h"

#include <algorithm>

namespace pellicle {

namespace {

constexpr unsigned kManyBits = 62;

unsigned host_bits(const Cidr& cidr) {
  return static_cast<unsigned>(cidr.address().size() * 8) - cidr.length();
}

IpAddress last_address(const Cidr& cidr) {
  uint8_t bytes[16] = {};
  std::copy_n(cidr.address().data(), cidr.address().size(), bytes);
  for (unsigned bit = cidr.length(); bit < cidr.address().size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | (0x80U >> (bit % 8)));
  }
  return {cidr.family(), bytes};
}

}  // namespace

bool AddressPool::usable(const IpAddress& address) const {
  if (!cidr_.contains(address) || address == cidr_.address()) return false;
  return cidr_.family() == Family::v6 || address != last_address(cidr_);
}

uint64_t AddressPool::size() const {
  const unsigned bits = host_bits(cidr_);
  if (bits >= kManyBits) return uint64_t{1} << kManyBits;
  const uint64_t all = uint64_t{1} << bits;
  const uint64_t unusable = cidr_.family() == Family::v4 ? 2 : 1;
  return all > unusable ? all - unusable : 0;
}

std::optional<IpAddress> AddressPool::first_free(const std::set<IpAddress>& taken,
                                                 std::span<const IpAddress> released) const {
  const std::set<IpAddress> later(released.begin(), released.end());
  // Each rejected address is in one of the two sets, so the loop is bounded by their sizes.
  for (auto address = cidr_.address().successor();
       address && cidr_.contains(*address) && usable(*address); address = address->successor()) {
    if (!taken.contains(*address) && !later.contains(*address)) return address;
  }
  const auto oldest = std::find_if(released.begin(), released.end(), [&](const IpAddress& each) {
    return usable(each) && !taken.contains(each);
  });
  return oldest == released.end() ? std::nullopt : std::optional(*oldest);
}

}  // namespace pellicle
