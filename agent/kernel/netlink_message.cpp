#include "agent/kernel/netlink_message.h"

#include <cassert>
#include <new>

#include <sys/socket.h>

namespace pellicle {

NetlinkMessage::NetlinkMessage(int type, int flags, size_t room)
    : message_(nlmsg_alloc_size(room)) {
  if (!message_) throw std::bad_alloc();
  nlmsg_put(message_.get(), 0, 0, type, 0, NLM_F_REQUEST | flags);
}

void NetlinkMessage::WipeAndFree::operator()(nl_msg* message) const {
  nlmsghdr* header = nlmsg_hdr(message);
  explicit_bzero(header, header->nlmsg_len);
  nlmsg_free(message);
}

void NetlinkMessage::append(const void* bytes, size_t size) {
  [[maybe_unused]] const int error =
      nlmsg_append(message_.get(), const_cast<void*>(bytes), size, NLMSG_ALIGNTO);
  assert(error == 0);
}

void NetlinkMessage::put_bytes(int attribute, const void* bytes, size_t size) {
  [[maybe_unused]] const int error =
      nla_put(message_.get(), attribute, static_cast<int>(size), bytes);
  assert(error == 0);
}

void NetlinkMessage::put_text(int attribute, const std::string& text) {
  put_bytes(attribute, text.c_str(), text.size() + 1);
}

void NetlinkMessage::put_address(int attribute, const IpAddress& address) {
  put_bytes(attribute, address.data(), address.size());
}

nlattr* NetlinkMessage::begin_nest(int attribute) {
  nlattr* nest = nla_nest_start(message_.get(), attribute);
  assert(nest);
  return nest;
}

void NetlinkMessage::end_nest(nlattr* nest) {
  nla_nest_end(message_.get(), nest);
}

Attributes::Attributes(const nlmsghdr& message, size_t header_size) {
  const auto size = static_cast<int>(header_size);
  if (!nlmsg_valid_hdr(&message, size)) return;
  // nla_parse() writes pointers to non-const; the table returns them only as const.
  nla_parse(const_cast<nlattr**>(table_.data()), kLast, nlmsg_attrdata(&message, size),
            nlmsg_attrlen(&message, size), nullptr);
}

Attributes::Attributes(const nlattr* nest) {
  if (!nest) return;
  nla_parse(const_cast<nlattr**>(table_.data()), kLast, static_cast<nlattr*>(nla_data(nest)),
            nla_len(nest), nullptr);
}

std::span<const uint8_t> Attributes::bytes(int attribute) const {
  const nlattr* found = raw(attribute);
  if (!found) return {};
  return {static_cast<const uint8_t*>(nla_data(found)), static_cast<size_t>(nla_len(found))};
}

std::string Attributes::text(int attribute) const {
  const auto found = bytes(attribute);
  if (found.empty()) return {};
  const auto* start = reinterpret_cast<const char*>(found.data());
  return {start, strnlen(start, found.size())};
}

std::optional<IpAddress> Attributes::address(int attribute, Family family) const {
  const auto found = bytes(attribute);
  if (found.size() != IpAddress::any(family).size()) return std::nullopt;
  return IpAddress(family, found.data());
}

int address_family(Family family) {
  return family == Family::v4 ? AF_INET : AF_INET6;
}

std::optional<Family> family_of(int address_family) {
  if (address_family == AF_INET) return Family::v4;
  if (address_family == AF_INET6) return Family::v6;
  return std::nullopt;
}

}  // namespace pellicle
