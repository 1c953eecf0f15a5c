#include "agent/model/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace pellicle {

const char* family_name(Family family) {
  return family == Family::v4 ? "IPv4" : "IPv6";
}

IpAddress::IpAddress(Family family, const uint8_t* bytes) : family_(family) {
  std::copy_n(bytes, size(), bytes_.begin());
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton would ignore anything behind a NUL byte.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  uint8_t bytes[16];
  if (inet_pton(AF_INET, terminated.c_str(), bytes) == 1) return IpAddress(Family::v4, bytes);
  if (inet_pton(AF_INET6, terminated.c_str(), bytes) == 1) return IpAddress(Family::v6, bytes);
  return std::nullopt;
}

IpAddress IpAddress::any(Family family) {
  const uint8_t zero[16] = {};
  return {family, zero};
}

IpAddress IpAddress::v4(uint32_t host_order) {
  const uint32_t network = htonl(host_order);
  uint8_t bytes[4];
  std::memcpy(bytes, &network, sizeof bytes);
  return {Family::v4, bytes};
}

uint32_t IpAddress::v4_network_order() const {
  uint32_t network = 0;
  std::memcpy(&network, bytes_.data(), sizeof network);
  return network;
}

uint32_t IpAddress::v4_host_order() const {
  return ntohl(v4_network_order());
}

std::optional<IpAddress> IpAddress::successor() const {
  IpAddress next = *this;
  for (size_t at = size(); at-- > 0;) {
    if (++next.bytes_[at] != 0) return next;
  }
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

namespace {

bool same_prefix(const uint8_t* a, const uint8_t* b, unsigned bits) {
  const unsigned whole = bits / 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest);
  return (a[whole] & mask) == (b[whole] & mask);
}

}  // namespace

Cidr::Cidr(IpAddress address, uint8_t length)
    : length_(static_cast<uint8_t>(std::min<size_t>(length, address.size() * 8))) {
  uint8_t bytes[16] = {};
  const unsigned whole = length_ / 8;
  std::copy_n(address.data(), whole, bytes);
  if (length_ % 8 != 0) {
    bytes[whole] = static_cast<uint8_t>(address.data()[whole] & (0xff00U >> (length_ % 8)));
  }
  address_ = IpAddress(address.family(), bytes);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
  if (error != std::errc{} || end != digits.end() || length > address->size() * 8)
    return std::nullopt;
  const Cidr cidr(*address, static_cast<uint8_t>(length));
  if (cidr.address() != *address) return std::nullopt;
  return cidr;
}

Cidr Cidr::host(const IpAddress& address) {
  return {address, static_cast<uint8_t>(address.size() * 8)};
}

bool Cidr::contains(const IpAddress& address) const {
  return address.family() == family() && same_prefix(address.data(), address_.data(), length_);
}

bool Cidr::overlaps(const Cidr& other) const {
  return other.length_ >= length_ ? contains(other.address_) : other.contains(address_);
}

std::string Cidr::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

std::optional<Mac> Mac::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  Mac mac;
  for (size_t i = 0; i < 6; ++i) {
    const auto pair = text.substr(i * 3, 2);
    const auto [end, error] = std::from_chars(pair.begin(), pair.end(), mac.bytes[i], 16);
    if (error != std::errc{} || end != pair.end()) return std::nullopt;
    if (i < 5 && text[i * 3 + 2] != ':') return std::nullopt;
  }
  return mac;
}

std::string Mac::to_string() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                bytes[3], bytes[4], bytes[5]);
  return text;
}

}  // namespace pellicle
