#include "agent/kernel/links.h"

#include <algorithm>
#include <cerrno>

#include <net/if.h>

namespace pellicle {

namespace {

constexpr const char* kVeth = "veth";

const Link* peer_of(const Link& link, const Devices& devices) {
  if (!link.peer_index || !link.peer_in_namespace) return nullptr;
  return devices.find(*link.peer_index);
}

VethPair as_pair(const Link& link, const Link* peer) {
  VethPair pair;
  const auto flags = peer ? link.flags & peer->flags : link.flags;
  pair.peer = peer ? peer->name : "";
  pair.mtu = !peer || peer->mtu == link.mtu ? link.mtu : 0;  // 0: the ends disagree
  // The pair has NOARP and up only if both ends have them.
  pair.noarp = flags & IFF_NOARP;
  pair.up = flags & IFF_UP;
  return pair;
}

Outcome rename(NetlinkSocket& socket, const Link& link, const std::string& name) {
  VethPair down;
  down.mtu = link.mtu;
  down.noarp = link.flags & IFF_NOARP;
  down.up = false;  // a device that is up cannot be renamed (6.1: EBUSY)
  auto outcome = socket.request(encode_set_link(link.index, down));
  if (!outcome.ok()) return outcome;
  return socket.request(encode_rename_link(link.index, name));
}

Outcome replace(NetlinkSocket& socket, const Change<VethPair>& change) {
  const Devices devices(socket);
  const Link* link = devices.find(change.key.name);
  if (!link) return missing_device(change.key.name);
  if (link->kind != kVeth) return {EEXIST, change.key.name + " is a device of another kind"};
  const Link* peer = peer_of(*link, devices);
  if (!peer) {
    return {ENODEV, "the other end of " + change.key.name + " is not in this network namespace"};
  }
  if (peer->name != change.value.peer) {
    auto outcome = rename(socket, *peer, change.value.peer);
    if (!outcome.ok()) return outcome;
  }
  auto outcome = socket.request(encode_set_link(link->index, change.value));
  if (!outcome.ok()) return outcome;
  return socket.request(encode_set_link(peer->index, change.value));
}

Outcome add(NetlinkSocket& socket, const Change<VethPair>& change) {
  auto outcome = socket.request(encode_new_veth(change.key, change.value));
  return outcome.ok() ? replace(socket, change) : outcome;
}

Outcome remove(NetlinkSocket& socket, const Change<VethPair>& change) {
  const Devices devices(socket);
  const Link* link = devices.find(change.key.name);
  if (!link) return {};
  if (link->kind != kVeth) return {EEXIST, change.key.name + " is a device of another kind"};
  auto outcome = socket.request(encode_delete_link(link->index));
  return outcome.error == ENODEV ? Outcome{} : outcome;
}

}  // namespace

Devices::Devices(NetlinkSocket& socket) : links_(socket.dump(link_dump(), decode_link)) {
  std::sort(links_.begin(), links_.end());  // by index
}

const Link* Devices::find(const std::string& name) const {
  const auto found = std::find_if(links_.begin(), links_.end(),
                                  [&](const Link& link) { return link.name == name; });
  return found == links_.end() ? nullptr : &*found;
}

const Link* Devices::find(int index) const {
  const auto found =
      std::lower_bound(links_.begin(), links_.end(), index,
                       [](const Link& link, int wanted) { return link.index < wanted; });
  return found == links_.end() || found->index != index ? nullptr : &*found;
}

std::string Devices::name(int index) const {
  const Link* link = find(index);
  return link ? link->name : "";
}

Outcome missing_device(const std::string& name) {
  return {ENODEV, "no device " + name};
}

void dump_links(const Devices& devices, const OwnDevices& own, KernelState& into) {
  const Link* link = devices.find(own.host);
  if (!link || link->kind != kVeth) return;
  into.links.emplace(VethPair::Key{own.host}, as_pair(*link, peer_of(*link, devices)));
}

std::vector<Outcome> apply_links(NetlinkSocket& socket, std::span<const Change<VethPair>> changes) {
  std::vector<Outcome> outcomes;
  for (const auto& change : changes) {
    switch (change.action) {
      case Action::add:
        outcomes.push_back(add(socket, change));
        break;
      case Action::replace:
        outcomes.push_back(replace(socket, change));
        break;
      case Action::remove:
        outcomes.push_back(remove(socket, change));
        break;
    }
  }
  return outcomes;
}

}  // namespace pellicle
