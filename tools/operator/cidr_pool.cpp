#include "tools/operator/cidr_pool.h"

#include <algorithm>

namespace pellicle {

std::optional<CidrPool> CidrPool::split(const Cidr& network, unsigned length) {
  const auto bits = static_cast<unsigned>(network.address().size() * 8);
  const bool good =
      length >= network.length() && length < bits && length - network.length() <= kLargestPoolBits;
  if (!good) return std::nullopt;
  return CidrPool(network, static_cast<uint8_t>(length));
}

Cidr CidrPool::at(uint64_t index) const {
  uint8_t bytes[16] = {};
  std::copy_n(network_.address().data(), network_.address().size(), bytes);
  for (unsigned bit = length_; bit-- > network_.length(); index >>= 1) {
    if ((index & 1) != 0)
      bytes[bit / 8] = static_cast<uint8_t>(bytes[bit / 8] | (0x80U >> (bit % 8)));
  }
  return {IpAddress(family(), bytes), length_};
}

std::optional<uint64_t> CidrPool::index_of(const Cidr& cidr) const {
  if (cidr.length() != length_ || !network_.contains(cidr.address())) return std::nullopt;
  uint64_t index = 0;
  for (unsigned bit = network_.length(); bit < length_; ++bit) {
    const bool set = (cidr.address().data()[bit / 8] & (0x80U >> (bit % 8))) != 0;
    index = index << 1 | uint64_t{set};
  }
  return index;
}

}  // namespace pellicle
