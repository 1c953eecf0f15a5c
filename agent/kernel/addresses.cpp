#include "agent/kernel/addresses.h"

#include <algorithm>
#include <cerrno>

#include "agent/kernel/routes.h"

namespace pellicle {

namespace {

// The kernel has no in-place change of an address's scope or length (IPv4, 6.1), so it goes and
// comes back. With it the kernel throws out the routes that use it, silently; they come back too.
Outcome replace(NetlinkSocket& socket, int index, const Change<Address>& change) {
  const auto family = change.key.address.family();
  const auto routes = read_routes(socket, family);
  for (const auto& old : read_addresses(socket)) {
    if (old.index != index || old.address != change.key.address) continue;
    auto outcome = socket.request(encode_delete_address(index, old.address, old.value));
    if (!outcome.ok() && outcome.error != EADDRNOTAVAIL) return outcome;
  }
  auto outcome = socket.request(encode_new_address(index, change.key.address, change.value));
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
  return socket.request(encode_new_address(link->index, change.key.address, change.value));
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
