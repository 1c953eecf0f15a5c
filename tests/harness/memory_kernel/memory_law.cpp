// What the kernel accepts and refuses, by kind of object (seen on Linux 6.1).
#include <cerrno>

#include "tests/harness/memory_kernel/memory_kernel.h"

namespace pellicle {

namespace {

constexpr uint32_t kMainTable = 254;
constexpr uint8_t kScopeLink = 253;

// "net/ipv4/conf/eth0/rp_filter" -> "eth0"
std::string device_of(const std::string& path) {
  const std::string prefix = "net/ipv4/conf/";
  return path.substr(prefix.size(), path.rfind('/') - prefix.size());
}

Cidr network(const IpAddress& address, uint8_t length) {
  return {address, length};
}

}  // namespace

// Rules for all kinds: removing an absent object succeeds, an add does not overwrite, and foreign
// objects are not changed.
template <class Kind>
int MemoryKernel::place(Table<Kind> KernelState::*table, const Change<Kind>& change) {
  auto& objects = ours_.*table;
  if (change.action == Action::remove) {
    objects.erase(change.key);
    return 0;
  }
  if ((foreign.*table).contains(change.key)) return EEXIST;
  if (change.action == Action::add && objects.contains(change.key)) return EEXIST;
  objects[change.key] = change.value;
  return 0;
}

int MemoryKernel::perform(const Change<VethPair>& change) {
  const auto known = ours_.links.find(change.key);
  if (change.action == Action::remove) {
    if (known == ours_.links.end()) return 0;
    const auto peer = known->second.peer;
    ours_.links.erase(known);
    forget_device(change.key.name);
    forget_device(peer);
    return 0;
  }
  const bool taken = devices_.contains(change.key.name) || devices_.contains(change.value.peer);
  if (taken || (change.action == Action::add && known != ours_.links.end())) return EEXIST;
  ours_.links[change.key] = change.value;
  return 0;
}

int MemoryKernel::perform(const Change<Address>& change) {
  if (change.action == Action::remove) {
    ours_.addresses.erase(change.key);
    if (!has_address(change.key.address)) {  // the last holder's routes with that source go too
      std::erase_if(ours_.routes,
                    [&](const auto& route) { return route.second.src == change.key.address; });
    }
    return 0;
  }
  if (!has_device(change.key.dev)) return ENODEV;
  return place(&KernelState::addresses, change);
}

int MemoryKernel::perform(const Change<Sysctl>& change) {
  const auto& path = change.key.path;
  if (change.action == Action::remove) {
    const auto before = before_.find(path);
    if (before != before_.end()) sysctls_[path] = before->second;
    before_.erase(path);
    ours_.sysctls.erase(change.key);
    return 0;
  }
  const auto device = device_of(path);
  if (device != "all" && device != "default" && !has_device(device)) return ENOENT;
  before_.emplace(path, sysctl(path));
  sysctls_[path] = change.value.value;
  ours_.sysctls[change.key] = change.value;
  return 0;
}

// NEWSA: EEXIST when any state of the same (dst, spi, proto) has a mark with
// new.v & new.m & old.m == old.v; the source is not compared.
bool MemoryKernel::state_conflicts(const KernelState& in, const Change<State>& change) const {
  const auto& [dst, spi, mark] = change.key;
  auto other = in.states.lower_bound({.dst = dst, .spi = spi, .mark = {}});
  for (; other != in.states.end(); ++other) {
    const auto& key = other->first;
    if (key.dst != dst || key.spi != spi) break;
    const bool itself = &in == &ours_ && key == change.key && change.action == Action::replace;
    if (!itself && (mark.value & mark.mask & key.mark.mask) == key.mark.value) return true;
  }
  return false;
}

int MemoryKernel::perform(const Change<State>& change) {
  if (change.action != Action::remove &&
      (state_conflicts(ours_, change) || state_conflicts(foreign, change))) {
    return EEXIST;
  }
  return place(&KernelState::states, change);
}

int MemoryKernel::perform(const Change<Policy>& change) {
  const bool permanent = change.value.block && change.key.mark == Mark{0xe00, 0xf00};
  const auto other = permanent ? &KernelState::policies : &KernelState::block_policies;
  if (change.action == Action::add &&
      ((ours_.*other).contains(change.key) || (foreign.*other).contains(change.key))) {
    return EEXIST;  // one table in the kernel
  }
  return place(permanent ? &KernelState::block_policies : &KernelState::policies, change);
}

int MemoryKernel::perform(const Change<DatapathConfig>& change) {
  const auto& config = change.value;
  if (change.action != Action::remove &&
      !(has_device(config.host_device) && has_device(config.net_device) &&
        has_device(config.uplink))) {
    return ENODEV;
  }
  return place(&KernelState::datapath_config, change);
}

int MemoryKernel::perform(const Change<PeerEntry>& change) {
  return place(change.value.node ? &KernelState::node_peers : &KernelState::peers, change);
}

int MemoryKernel::perform(const Change<EndpointEntry>& change) {
  if (change.action != Action::remove && !has_device(change.value.device)) return ENODEV;
  return place(&KernelState::endpoints, change);
}

int MemoryKernel::perform(const Change<PodSource>& change) {
  if (change.action != Action::remove && !has_device(change.key.device)) return ENODEV;
  return place(&KernelState::sources, change);
}

int MemoryKernel::perform(const Change<AddressOwner>& change) {
  return place(&KernelState::owners, change);
}

int MemoryKernel::perform(const Change<NetfilterChain>& change) {
  return place(&KernelState::netfilter, change);
}

int MemoryKernel::perform(const Change<Attachment>& change) {
  if (change.action != Action::remove && !has_device(change.key.dev)) return ENODEV;
  return place(change.value.is_auditor() ? &KernelState::auditors : &KernelState::attachments,
               change);
}

// The kernel must reach a gateway without another gateway: through a network of the device's own
// addresses, or a link route of the same table (fib_check_nh).
bool MemoryKernel::on_link(const Change<Route>& change) const {
  const auto& gateway = *change.value.gateway;
  const auto device = devices_.find(change.value.dev);
  if (device != devices_.end() && change.key.table == kMainTable) {
    for (const auto& [address, length] : device->second.addresses) {
      if (network(address, length).contains(gateway)) return true;
    }
  }
  for (const auto* state : {&ours_, &foreign}) {
    for (const auto& [key, route] : state->routes) {
      if (key.table == change.key.table && !route.gateway && route.scope >= kScopeLink &&
          route.dev == change.value.dev && key.dst.contains(gateway)) {
        return true;
      }
    }
  }
  return false;
}

int MemoryKernel::perform(const Change<Route>& change) {
  if (change.action != Action::remove && change.value.type != RouteType::unreachable) {
    const auto& route = change.value;
    if (!has_device(route.dev)) return ENODEV;
    if (!is_up(route.dev)) return ENETDOWN;
    if (route.src && !has_address(*route.src)) return EINVAL;
    if (route.gateway && !route.onlink && !on_link(change)) return ENETUNREACH;
  }
  return place(&KernelState::routes, change);
}

int MemoryKernel::perform(const Change<LocalRule>& change) {
  return place(&KernelState::local_rules, change);
}

int MemoryKernel::perform(const Change<Rule>& change) {
  return place(&KernelState::rules, change);
}

bool MemoryKernel::has_device(const std::string& name) const {
  if (devices_.contains(name)) return true;
  for (const auto& [key, pair] : ours_.links) {
    if (key.name == name || pair.peer == name) return true;
  }
  return false;
}

bool MemoryKernel::is_up(const std::string& name) const {
  for (const auto& [key, pair] : ours_.links) {
    if (key.name == name || pair.peer == name) return pair.up;
  }
  return true;
}

bool MemoryKernel::has_address(const IpAddress& address) const {
  for (const auto& [key, value] : ours_.addresses) {
    if (key.address == address) return true;
  }
  for (const auto& [name, device] : devices_) {
    if (device.addresses.contains(address)) return true;
  }
  return false;
}

// Removes everything that depends on the device. Maps that refer to it by index keep entries that
// point nowhere.
void MemoryKernel::forget_device(const std::string& name) {
  std::erase_if(ours_.addresses, [&](const auto& entry) { return entry.first.dev == name; });
  for (auto* table : {&ours_.attachments, &ours_.auditors}) {
    std::erase_if(*table, [&](const auto& entry) { return entry.first.dev == name; });
  }
  std::erase_if(ours_.routes, [&](const auto& entry) {
    const auto& src = entry.second.src;
    return entry.second.dev == name || (src && !has_address(*src));
  });
  const auto on_device = [&](const std::string& path) { return device_of(path) == name; };
  std::erase_if(ours_.sysctls, [&](const auto& entry) { return on_device(entry.first.path); });
  std::erase_if(sysctls_, [&](const auto& entry) { return on_device(entry.first); });
  std::erase_if(before_, [&](const auto& entry) { return on_device(entry.first); });
  for (auto& [key, endpoint] : ours_.endpoints) {
    if (endpoint.device == name) endpoint.device.clear();
  }
  for (const auto& [key, source] : Table<PodSource>(ours_.sources)) {
    if (key.device != name) continue;
    ours_.sources.erase(key);
    ours_.sources[{"#" + name, key.cidr}] = source;
  }
  for (auto& [key, config] : ours_.datapath_config) {
    for (auto* device : {&config.host_device, &config.net_device, &config.uplink}) {
      if (*device == name) device->clear();
    }
  }
}

}  // namespace pellicle
