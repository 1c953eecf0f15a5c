#include "agent/kernel/host.h"

#include <algorithm>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include "agent/kernel/addresses.h"
#include "agent/kernel/shapers.h"
#include "agent/kernel/sysctl.h"

namespace pellicle {

namespace {

constexpr const char* kPodPrefix = "lxc";  // of the host ends of pods, as in the seed

bool is_pod_device(const Link& link) {
  return link.kind == "veth" && link.name.starts_with(kPodPrefix);
}

bool is_others(const Link& link, const OwnDevices& own) {
  return !own.has(link.name) && !is_pod_device(link) && !(link.flags & IFF_LOOPBACK);
}

std::string accept_ra(const std::string& device) {
  return "net/ipv6/conf/" + device + "/accept_ra";
}

bool accepts_ra(const std::string& device) {
  const auto value = read_sysctl(accept_ra(device));
  return value && *value != "0";
}

// With NETLINK_GET_STRICT_CHK the kernel dumps only routes with this protocol. An old kernel dumps
// all routes.
NetlinkMessage advertised_route_dump() {
  NetlinkMessage message(RTM_GETROUTE, 0);
  rtmsg info{};
  info.rtm_family = AF_INET6;
  info.rtm_protocol = RTPROT_RA;
  message.header(info);
  return message;
}

std::optional<int> device_of_advertised(const nlmsghdr& message) {
  const auto info = header_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !info) return std::nullopt;
  if (info->rtm_family != AF_INET6 || info->rtm_protocol != RTPROT_RA) return std::nullopt;
  return Attributes(message, sizeof(rtmsg)).value<int>(RTA_OIF);
}

// Interface indexes of devices with an advertised route or a lent address. Advertised addresses are
// lent, and so are those from DHCP, but there the device listens to router advertisements as well.
std::set<int> advertised_to(NetlinkSocket& socket, std::span<const LinkAddress> addresses) {
  const auto routes = socket.dump(advertised_route_dump(), device_of_advertised);
  std::set<int> devices(routes.begin(), routes.end());
  for (const auto& address : addresses) {
    if (address.lent) devices.insert(address.index);
  }
  return devices;
}

void read_links(const Devices& devices, const std::set<int>& advertised, const OwnDevices& own,
                const Ledger& ledger, HostFacts& facts) {
  for (const auto& link : devices.all()) {
    if (is_pod_device(link)) facts.pod_devices.push_back(link.name);
    const bool listens =
        advertised.contains(link.index) || ledger.sysctls().contains(accept_ra(link.name));
    if (listens && is_others(link, own) && accepts_ra(link.name))
      facts.advertised.insert(link.name);
  }
  std::sort(facts.pod_devices.begin(), facts.pod_devices.end());
}

void read_uplinks(const Devices& devices, std::span<const LinkAddress> addresses,
                  const OwnDevices& own, HostFacts& facts) {
  for (const auto& address : addresses) {
    const Link* link = devices.find(address.index);
    if (!link) continue;
    const bool ipv4 = address.address.family() == Family::v4;
    if (!ipv4 && address.value.scope_link) continue;  // made by the kernel
    auto& router = ipv4 ? facts.router_ipv4 : facts.router_ipv6;
    if (link->name == own.host && !router) router = address.address;
    if (!is_others(*link, own)) continue;
    facts.uplinks.emplace(address.address,
                          HostFacts::Uplink{.name = link->name,
                                            .mtu = link->mtu,
                                            .accepts_ra = accepts_ra(link->name),
                                            .connected = address.connected,
                                            .ethernet = link->type == ARPHRD_ETHER});
  }
}

void read_shapers(NetlinkSocket& socket, const Devices& devices, HostFacts& facts) {
  if (facts.pod_devices.empty()) return;
  for (const auto& [device, shaper] : shaping_devices(socket)) {
    const Link* pod = devices.find(device);
    const Link* target = devices.find(shaper);
    if (pod && is_pod_device(*pod)) facts.shapers[pod->name] = target ? target->name : "";
  }
}

}  // namespace

HostFacts read_host(NetlinkSocket& socket, const OwnDevices& own, const Ledger& ledger) {
  HostFacts facts;
  facts.ipv6 = read_sysctl("net/ipv6/conf/all/forwarding").has_value();
  const Devices devices(socket);
  const auto addresses = read_addresses(socket);
  read_links(devices, advertised_to(socket, addresses), own, ledger, facts);
  read_uplinks(devices, addresses, own, facts);
  read_shapers(socket, devices, facts);
  return facts;
}

}  // namespace pellicle
