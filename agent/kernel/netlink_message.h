// A netlink message to send, and the attributes of a received one. The type wraps libnl's builders
// and wipes the message after use, because XFRM messages contain keys.
#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "agent/model/ip.h"

namespace pellicle {

class NetlinkMessage {
 public:
  // NLM_F_REQUEST is implied. `room` is the space in bytes for headers and attributes together;
  // writing more is a bug (assert).
  NetlinkMessage(int type, int flags, size_t room = kRoom);

  // The fixed header of the message's family (rtmsg, xfrm_usersa_info, ...).
  template <class Header>
  void header(const Header& value) {
    static_assert(std::is_trivially_copyable_v<Header>);
    append(&value, sizeof value);
  }

  void put_bytes(int attribute, const void* bytes, size_t size);
  template <class T>
  void put(int attribute, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_bytes(attribute, &value, sizeof value);
  }
  void put_text(int attribute, const std::string& text);
  void put_address(int attribute, const IpAddress& address);

  nlattr* begin_nest(int attribute);
  void end_nest(nlattr* nest);

  nlmsghdr& get() { return *nlmsg_hdr(message_.get()); }
  const nlmsghdr& get() const { return *nlmsg_hdr(message_.get()); }

 private:
  static constexpr size_t kRoom = 1024;
  struct WipeAndFree {
    void operator()(nl_msg* message) const;
  };

  void append(const void* bytes, size_t size);

  std::unique_ptr<nl_msg, WipeAndFree> message_;
};

// The attributes after the fixed header of a message, or inside a nest. A view, valid as long as
// the message. An attribute that is absent or too short reads as no value.
class Attributes {
 public:
  Attributes(const nlmsghdr& message, size_t header_size);
  explicit Attributes(const nlattr* nest);  // null: no attributes

  const nlattr* raw(int attribute) const { return table_.at(static_cast<size_t>(attribute)); }
  bool has(int attribute) const { return raw(attribute) != nullptr; }
  std::span<const uint8_t> bytes(int attribute) const;
  std::string text(int attribute) const;
  std::optional<IpAddress> address(int attribute, Family family) const;

  // Copies the fixed part; for kernel structs that end in a flexible array. False when the
  // attribute is absent or too short.
  template <class T>
  bool read(int attribute, T& into) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto found = bytes(attribute);
    if (found.size() < sizeof(T)) return false;
    std::memcpy(&into, found.data(), sizeof into);
    return true;
  }

  template <class T>
  std::optional<T> value(int attribute) const {
    T result;
    if (!read(attribute, result)) return std::nullopt;
    return result;
  }

 private:
  static constexpr int kLast = 95;  // above IFLA_MAX, the largest of those read here
  std::array<const nlattr*, kLast + 1> table_{};
};

// The fixed header of a received message; nullopt when the message is too short for it.
template <class Header>
std::optional<Header> header_of(const nlmsghdr& message) {
  if (!nlmsg_valid_hdr(&message, sizeof(Header))) return std::nullopt;
  Header result;
  std::memcpy(&result, nlmsg_data(&message), sizeof result);
  return result;
}

int address_family(Family family);                    // AF_INET or AF_INET6
std::optional<Family> family_of(int address_family);  // nullopt for any other

}  // namespace pellicle
