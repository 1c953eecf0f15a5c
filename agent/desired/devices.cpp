#include "agent/desired/local_view.h"

namespace pellicle {

Table<VethPair> links(const LocalView& view) {
  return {{{.name = kHostDevice}, {.peer = kNetDevice, .mtu = view.uplink.mtu}}};
}

// An IPv6 address carries its scope in itself.
Table<Address> addresses(const LocalView& view) {
  Table<Address> table;
  for (const auto& own : view.families) {
    table.emplace(Address::Key{.dev = kHostDevice, .address = own.router},
                  Address{.prefix_length = static_cast<uint8_t>(own.router.size() * 8),
                          .scope_link = own.family() == Family::v4});
  }
  return table;
}

}  // namespace pellicle
