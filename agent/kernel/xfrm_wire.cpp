#include "agent/kernel/xfrm_wire.h"

#include <cstring>

namespace pellicle {

xfrm_address_t to_wire(const IpAddress& address) {
  xfrm_address_t wire{};
  std::memcpy(&wire, address.data(), address.size());
  return wire;
}

IpAddress from_wire(const xfrm_address_t& address, Family family) {
  return {family, reinterpret_cast<const uint8_t*>(&address)};
}

xfrm_mark to_wire(const Mark& mark) {
  return {mark.value, mark.mask};
}

Mark from_wire(const xfrm_mark& mark) {
  return {mark.v, mark.m};
}

xfrm_lifetime_cfg unlimited() {
  xfrm_lifetime_cfg limits{};
  limits.soft_byte_limit = limits.hard_byte_limit = XFRM_INF;
  limits.soft_packet_limit = limits.hard_packet_limit = XFRM_INF;
  return limits;
}

}  // namespace pellicle
