#include "agent/desired/claims.h"

namespace pellicle {

namespace {

std::string in_words(const Cidr& cidr, const std::string& node) {
  return "PodCIDR " + cidr.to_string() + " of Node " + node;
}

std::string in_words(const IpAddress& address, const std::string& node) {
  return "InternalIP " + address.to_string() + " of Node " + node;
}

}  // namespace

Claims::Cidrs::const_iterator Claims::overlapping(const Cidr& cidr) const {
  const auto after = cidrs_.lower_bound(cidr);
  if (after != cidrs_.end() && after->first.overlaps(cidr)) return after;
  if (after != cidrs_.begin() && std::prev(after)->first.overlaps(cidr)) return std::prev(after);
  return cidrs_.end();
}

std::string Claims::claim_cidr(const Cidr& cidr, const std::string& node) {
  if (const auto holder = overlapping(cidr); holder != cidrs_.end()) {
    return in_words(holder->first, holder->second);
  }
  const auto inside = addresses_.lower_bound(cidr.address());
  if (inside != addresses_.end() && cidr.contains(inside->first)) {
    return in_words(inside->first, inside->second);
  }
  cidrs_.emplace(cidr, node);
  return "";
}

std::string Claims::claim_address(const IpAddress& address, const std::string& node) {
  if (const auto holder = addresses_.find(address); holder != addresses_.end()) {
    return in_words(address, holder->second);
  }
  if (const auto around = overlapping(Cidr::host(address)); around != cidrs_.end()) {
    return in_words(around->first, around->second);
  }
  addresses_.emplace(address, node);
  return "";
}

bool Claims::is_free(const Cidr& cidr, const std::string& node) const {
  auto next = cidrs_.lower_bound(cidr);
  if (next != cidrs_.begin()) --next;  // a wider one may precede it
  for (; next != cidrs_.end() && !(cidr < next->first && !next->first.overlaps(cidr)); ++next) {
    if (next->first.overlaps(cidr) && next->second != node) return false;
  }
  auto inside = addresses_.lower_bound(cidr.address());
  for (; inside != addresses_.end() && cidr.contains(inside->first); ++inside) {
    if (inside->second != node) return false;
  }
  return true;
}

void Claims::release(const Cidr& cidr, const std::string& node) {
  const auto held = cidrs_.find(cidr);
  if (held != cidrs_.end() && held->second == node) cidrs_.erase(held);
  const auto address = addresses_.find(cidr.address());
  if (cidr == Cidr::host(cidr.address()) && address != addresses_.end() &&
      address->second == node) {
    addresses_.erase(address);
  }
}

bool Claims::covers(const Cidr& cidr) const {
  const auto holder = overlapping(cidr);
  return holder != cidrs_.end() && holder->first.length() <= cidr.length();
}

}  // namespace pellicle
