#include "agent/kernel/addresses.h"

#include <algorithm>
#include <cerrno>

#include <linux/if_addr.h>

#include "agent/kernel/routes.h"

namespace pellicle {

namespace {

// IPv6: without duplicate address detection, because no other host is on this link, so the address
// is usable at once. And without the kernel's own prefix route, which would duplicate Pellicle's.
NetlinkMessage new_address(int index, const Change<Address>& change) {
  auto message = encode_new_address(index, change.key.address, change.value);
  if (change.key.address.family() == Family::v6) {
    message.put<uint32_t>(IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
  }
  return message;
}

// The kernel cannot change an address's scope or length in place (IPv4, 6.1), so this deletes the
// address and adds it again. With the address the kernel deletes the routes that use it, without a
// notification; this restores them too.
Outcome replace(NetlinkSocket& socket, int index, const Change<Address>& change) {
  const auto family = change.key.address.family();
  const auto routes = read_routes(socket, family);
  for (const auto& old : read_addresses(socket)) {
    if (old.index != index || old.address != change.key.address) continue;
    auto outcome = socket.request(encode_delete_address(index, old.address, old.value));
    if (!outcome.ok() && outcome.error != EADDRNOTAVAIL) return outcome;
  }
  auto outcome = socket.request(new_address(index, change));
  restore_routes(socket, routes, family);
  return outcome;
}

Outcome apply_one(NetlinkSocket& socket, const Devices& devices, const Change<Address>& change) {
  const Link* link = devices.find(change.key.dev);
  if (change.action == Action::remove) {
    if (!link) return {};
    auto outcome =
        socket.request(encode_delete_address(link->index, change.key.address, change.value));
    return outcome.error == EADDRNOTAVAIL || outcome.error == ENODEV ? Outcome{} : outcome;
  }
  if (!link) return missing_device(change.key.dev);
  if (change.action == Action::replace) return replace(socket, link->index, change);
  return socket.request(new_address(link->index, change));
}

}  // namespace

std::vector<LinkAddress> read_addresses(NetlinkSocket& socket) {
  return socket.dump(address_dump(), decode_address);
}

void dump_addresses(std::span<const LinkAddress> addresses, const Devices& devices,
                    const OwnDevices& own, KernelState& into) {
  for (const auto& address : addresses) {
    const auto name = devices.name(address.index);
    if (address.kernel_made || !own.has(name)) continue;
    into.addresses.emplace(Address::Key{name, address.address}, address.value);
  }
}

std::vector<Outcome> apply_addresses(NetlinkSocket& socket, const Devices& devices,
                                     std::span<const Change<Address>> changes) {
  std::vector<Outcome> outcomes;
  for (const auto& change : changes) outcomes.push_back(apply_one(socket, devices, change));
  return outcomes;
}

}  // namespace pellicle
