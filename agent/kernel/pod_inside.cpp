#include "agent/kernel/pod_inside.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

namespace pellicle {

namespace {

struct WantedRoute {
  std::string what;
  Route::Key key;
  Route value;
};

// In this order: the default route's gateway is reached by the first. IPv6 has no scopes (6.1).
std::vector<WantedRoute> wanted_routes(const PodSpec& spec, const PodAddress& wanted) {
  const Family family = wanted.gateway.family();
  const std::string gateway = wanted.gateway.to_string();
  const uint8_t link_scope = family == Family::v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  return {{.what = "route " + gateway,
           .key = {.table = RT_TABLE_MAIN, .dst = Cidr::host(wanted.gateway)},
           .value = {.scope = link_scope, .protocol = RTPROT_BOOT}},
          {.what = "default route via " + gateway,
           .key = {.table = RT_TABLE_MAIN, .dst = Cidr::any(family)},
           .value = {.gateway = wanted.gateway,
                     .mtu = spec.route_mtu,
                     .scope = RT_SCOPE_UNIVERSE,
                     .protocol = RTPROT_BOOT}}};
}

Address wanted_value(const IpAddress& address) {
  return {.prefix_length = Cidr::host(address).length(), .scope_link = false};
}

bool wants(const PodSpec& spec, Family family) {
  return std::any_of(spec.addresses.begin(), spec.addresses.end(),
                     [&](const PodAddress& a) { return a.address.family() == family; });
}

bool has_address(const PodInside& inside, const IpAddress& address) {
  return std::any_of(inside.addresses.begin(), inside.addresses.end(), [&](const LinkAddress& a) {
    return a.index == inside.link->link.index && a.address == address &&
           a.value == wanted_value(address);
  });
}

// Without duplicate address detection an IPv6 address is of use at once: a tentative one loses what
// is sent to it for a second, and the allocator has given it to nobody else.
NetlinkMessage new_address(int index, const IpAddress& address) {
  NetlinkMessage message = encode_new_address(index, address, wanted_value(address));
  if (address.family() == Family::v6) message.put<uint32_t>(IFA_FLAGS, IFA_F_NODAD);
  return message;
}

NetlinkMessage neighbour_message(int type, int flags, int index, uint16_t state,
                                 const IpAddress& gateway) {
  NetlinkMessage message(type, flags);
  ndmsg header{};
  header.ndm_family = static_cast<uint8_t>(address_family(gateway.family()));
  header.ndm_ifindex = index;
  header.ndm_state = state;
  message.header(header);
  message.put_address(NDA_DST, gateway);
  return message;
}

NetlinkMessage new_neighbour(int index, const IpAddress& gateway, const Mac& mac) {
  NetlinkMessage message =
      neighbour_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, index, NUD_PERMANENT, gateway);
  message.put(NDA_LLADDR, mac.bytes);
  return message;
}

void note_neighbour(const nlmsghdr& answer, const Endpoint& endpoint, PodInside& inside) {
  const auto entry = header_of<ndmsg>(answer);
  if (!entry || (entry->ndm_state & NUD_PERMANENT) == 0) return;
  const Attributes attributes(answer, sizeof(ndmsg));
  const auto family = family_of(entry->ndm_family);
  if (!family || attributes.value<Mac>(NDA_LLADDR) != endpoint.host_mac) return;
  if (const auto gateway = attributes.address(NDA_DST, *family))
    inside.permanent_gateways.insert(*gateway);
}

void add_route_steps(std::vector<PodStep>& steps, const PodInside& inside, const PodSpec& spec,
                     const PodAddress& address) {
  const int index = inside.link->link.index;
  for (const WantedRoute& wanted : wanted_routes(spec, address)) {
    RouteVerb verb = RouteVerb::add;
    bool there = false;
    for (const KernelRoute& present : inside.routes) {
      if (present.key != wanted.key) continue;
      verb = RouteVerb::replace;
      there = there || (present.dev == index && present.value == wanted.value);
    }
    if (!there) steps.push_back({wanted.what, encode_route(verb, wanted.key, wanted.value, index)});
  }
}

std::optional<std::string> address_conflict(const PodInside& inside, const PodSpec& spec,
                                            const IpAddress& wanted) {
  const int index = inside.link ? inside.link->link.index : 0;
  for (const LinkAddress& present : inside.addresses) {
    if (present.address.family() != wanted.family() || present.kernel_made) continue;
    if (present.index == index && present.address != wanted)
      return spec.ifname + " has the address " + present.address.to_string() + ", not " +
             wanted.to_string();
    if (present.index != index && present.address == wanted)
      return "the address " + wanted.to_string() + " is on another device of the pod";
  }
  return std::nullopt;
}

std::optional<std::string> route_conflict(const PodInside& inside, const PodSpec& spec,
                                          const PodAddress& address) {
  const int index = inside.link ? inside.link->link.index : 0;
  for (const WantedRoute& wanted : wanted_routes(spec, address))
    for (const KernelRoute& present : inside.routes)
      if (present.key == wanted.key && present.dev != index)
        return "the " + wanted.what + " goes over another device of the pod";
  return std::nullopt;
}

}  // namespace

PodInside read_pod_inside(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint,
                          int pod_index) {
  std::vector<NetlinkMessage> questions;
  questions.push_back(link_request("lo"));
  questions.push_back(link_request(spec.ifname));
  // One entry can be asked for by its address from 5.0 on. An error means that there is none.
  for (const PodAddress& wanted : spec.addresses)
    questions.push_back(neighbour_message(RTM_GETNEIGH, 0, pod_index, 0, wanted.gateway));
  PodInside inside;
  const auto outcomes = socket.batch(questions, [&](size_t question, const nlmsghdr& answer) {
    if (question == 0) inside.loopback = decode_pod_link(answer);
    if (question == 1) inside.link = decode_pod_link(answer);
    if (question > 1) note_neighbour(answer, endpoint, inside);
  });
  for (size_t i = 0; i < 2; ++i)
    if (!outcomes[i].ok() && outcomes[i].error != ENODEV)
      throw OsError(outcomes[i].error, "look at device " + (i == 0 ? "lo" : spec.ifname) +
                                           " of the pod: " + outcomes[i].sentence);
  inside.addresses = socket.dump(address_dump(), decode_address);
  for (const PodAddress& wanted : spec.addresses)
    for (KernelRoute& route : socket.dump(route_dump(wanted.gateway.family()), decode_route))
      inside.routes.push_back(std::move(route));
  return inside;
}

std::optional<OsError> conflict_in_pod(const PodInside& inside, const PodSpec& spec) {
  for (const PodAddress& wanted : spec.addresses) {
    if (wanted.address.family() == Family::v6 && inside.link && !inside.link->inet6)
      return OsError(EAFNOSUPPORT, "no IPv6 can be had on " + spec.ifname + ", which is to have " +
                                       wanted.address.to_string() +
                                       " (a kernel without IPv6, or an MTU below 1280)");
    auto taken = address_conflict(inside, spec, wanted.address);
    if (!taken) taken = route_conflict(inside, spec, wanted);
    if (taken) return OsError(EEXIST, *taken);
  }
  return std::nullopt;
}

// Loopback too: what a pod sends to its own address goes over it. Whether a pod that runs heeds
// advertisements is its own business, so accept_ra is ours only until the device is up; autoconf
// acts on advertisements that were accepted, so it needs no setting.
std::vector<PodSetting> missing_settings(const PodInside& inside, const PodSpec& spec) {
  std::vector<PodSetting> settings;
  const auto add = [&](const std::string& what, const std::string& device, const char* name) {
    settings.push_back({what + " on " + device, "net/ipv6/conf/" + device + "/" + name, "0"});
  };
  const auto is_off = [](const std::optional<PodLink>& link) {
    return link && link->inet6 && link->inet6->disabled;
  };
  if (wants(spec, Family::v6)) {
    if (is_off(inside.loopback)) add("IPv6", "lo", "disable_ipv6");
    if (is_off(inside.link)) add("IPv6", spec.ifname, "disable_ipv6");
  }
  if (!inside.link->up() && inside.link->inet6 && inside.link->inet6->accepts_advertisements)
    add("accept_ra 0", spec.ifname, "accept_ra");
  return settings;
}

std::vector<PodStep> missing_steps(const PodInside& inside, const PodSpec& spec,
                                   const Endpoint& endpoint) {
  std::vector<PodStep> steps;
  const int index = inside.link->link.index;
  if (inside.loopback && !inside.loopback->up())
    steps.push_back({"lo up", set_up(inside.loopback->link.index)});
  for (const PodAddress& wanted : spec.addresses)
    if (!has_address(inside, wanted.address))
      steps.push_back(
          {"address " + wanted.address.to_string(), new_address(index, wanted.address)});
  if (!inside.link->up()) steps.push_back({spec.ifname + " up", set_up(index)});
  for (const PodAddress& wanted : spec.addresses) {
    add_route_steps(steps, inside, spec, wanted);
    if (!inside.permanent_gateways.contains(wanted.gateway))
      steps.push_back({"neighbour entry of the gateway " + wanted.gateway.to_string(),
                       new_neighbour(index, wanted.gateway, endpoint.host_mac)});
  }
  return steps;
}

}  // namespace pellicle
