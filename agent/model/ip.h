// Addresses as values: one type for both families, ordered, printable, free of netlink types.
#pragma once

#include <endian.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace pellicle {

enum class Family : uint8_t { v4, v6 };
inline constexpr std::array kFamilies = {Family::v4, Family::v6};
const char* family_name(Family family);  // "IPv4"

// An IPv4 or IPv6 address in network byte order. IPv4 uses the first four bytes, the rest are zero.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  IpAddress(Family family, const uint8_t* bytes);

  static std::optional<IpAddress> parse(
      std::string_view text);  // nullopt unless the whole text is an address
  static IpAddress any(Family family);
  static IpAddress v4(uint32_t host_order);

  Family family() const { return family_; }
  size_t size() const { return family_ == Family::v4 ? 4 : 16; }  // bytes
  const uint8_t* data() const { return bytes_.data(); }
  uint32_t v4_host_order() const;     // meaningful for IPv4 only
  uint32_t v4_network_order() const;  // as in the kernel and the eBPF maps
  bool is_any() const { return *this == any(family_); }
  std::optional<IpAddress> successor() const;  // the next address; nullopt after the family's last
  std::string to_string() const;

  // All IPv4 addresses first, then numerically. Written out for speed, because tables of thousands
  // are ordered by it: comparing the array would call memcmp().
  bool operator==(const IpAddress& other) const {
    return family_ == other.family_ && word(0) == other.word(0) && word(8) == other.word(8);
  }
  std::strong_ordering operator<=>(const IpAddress& other) const {
    if (family_ != other.family_) return family_ <=> other.family_;
    if (word(0) != other.word(0)) return be64toh(word(0)) <=> be64toh(other.word(0));
    return be64toh(word(8)) <=> be64toh(other.word(8));
  }

 private:
  uint64_t word(size_t at) const {  // eight bytes, in network order
    uint64_t bytes = 0;
    std::memcpy(&bytes, bytes_.data() + at, sizeof bytes);
    return bytes;
  }

  Family family_ = Family::v4;
  std::array<uint8_t, 16> bytes_{};
};

// A network. Host bits are always zero, so equal networks compare equal.
class Cidr {
 public:
  Cidr() = default;                         // 0.0.0.0/0
  Cidr(IpAddress address, uint8_t length);  // length is capped at the family's 32 or 128

  static std::optional<Cidr> parse(
      std::string_view text);  // "10.0.1.0/24"; nullopt if host bits are set
  static Cidr any(Family family) { return {IpAddress::any(family), 0}; }
  static Cidr host(const IpAddress& address);

  Family family() const { return address_.family(); }
  const IpAddress& address() const { return address_; }
  uint8_t length() const { return length_; }
  bool contains(const IpAddress& address) const;
  bool overlaps(const Cidr& other) const;
  std::string to_string() const;

  auto operator<=>(const Cidr&) const = default;

 private:
  IpAddress address_;
  uint8_t length_ = 0;
};

struct Mac {
  std::array<uint8_t, 6> bytes{};

  static std::optional<Mac> parse(std::string_view text);  // "02:42:ac:12:00:03"
  std::string to_string() const;
  auto operator<=>(const Mac&) const = default;
};

}  // namespace pellicle
