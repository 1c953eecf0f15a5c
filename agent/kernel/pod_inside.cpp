#include "agent/kernel/pod_inside.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>

namespace pellicle {

namespace {

constexpr uint32_t kMainTable = RT_TABLE_MAIN;

struct WantedRoute {
  std::string what;
  Route::Key key;
  Route value;
};

// In this order: the default route's gateway is reached by the first.
std::vector<WantedRoute> wanted_routes(const PodSpec& spec) {
  const std::string gateway = spec.gateway.to_string();
  return {{.what = "route " + gateway,
           .key = {.table = kMainTable, .dst = Cidr::host(spec.gateway)},
           .value = {.scope = RT_SCOPE_LINK, .protocol = RTPROT_BOOT}},
          {.what = "default route via " + gateway,
           .key = {.table = kMainTable, .dst = Cidr::any(spec.gateway.family())},
           .value = {.gateway = spec.gateway,
                     .mtu = spec.route_mtu,
                     .scope = RT_SCOPE_UNIVERSE,
                     .protocol = RTPROT_BOOT}}};
}

const KernelRoute* find_route(const PodInside& inside, const Route::Key& key) {
  const auto found = std::find_if(inside.routes.begin(), inside.routes.end(),
                                  [&](const KernelRoute& route) { return route.key == key; });
  return found == inside.routes.end() ? nullptr : &*found;
}

bool has_address(const PodInside& inside, const PodSpec& spec) {
  return std::any_of(inside.addresses.begin(), inside.addresses.end(), [&](const LinkAddress& a) {
    return a.index == inside.link->link.index && a.address == spec.address &&
           a.value ==
               Address{.prefix_length = Cidr::host(spec.address).length(), .scope_link = false};
  });
}

ndmsg neighbour_header(const PodSpec& spec, int index) {
  ndmsg header{};
  header.ndm_family = static_cast<uint8_t>(address_family(spec.gateway.family()));
  header.ndm_ifindex = index;
  header.ndm_state = NUD_PERMANENT;
  return header;
}

NetlinkMessage new_neighbour(const PodSpec& spec, const Endpoint& endpoint, int index) {
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  message.header(neighbour_header(spec, index));
  message.put_address(NDA_DST, spec.gateway);
  message.put(NDA_LLADDR, endpoint.host_mac.bytes);
  return message;
}

bool gateway_is_permanent(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint,
                          int index) {
  NetlinkMessage request(RTM_GETNEIGH, 0);
  ndmsg header{};
  header.ndm_family = static_cast<uint8_t>(address_family(spec.gateway.family()));
  request.header(header);
  const auto entries =
      socket.dump(std::move(request), [&](const nlmsghdr& part) -> std::optional<bool> {
        const auto entry = header_of<ndmsg>(part);
        const Attributes attributes(part, sizeof(ndmsg));
        if (!entry || entry->ndm_ifindex != index || (entry->ndm_state & NUD_PERMANENT) == 0 ||
            attributes.address(NDA_DST, spec.gateway.family()) != spec.gateway ||
            attributes.value<Mac>(NDA_LLADDR) != endpoint.host_mac)
          return std::nullopt;
        return true;
      });
  return !entries.empty();
}

void add_route_steps(std::vector<PodStep>& steps, const PodInside& inside, const PodSpec& spec) {
  const int index = inside.link->link.index;
  for (const WantedRoute& wanted : wanted_routes(spec)) {
    const KernelRoute* present = find_route(inside, wanted.key);
    if (present != nullptr && present->dev == index && present->value == wanted.value) continue;
    steps.push_back(
        {wanted.what, encode_route(present == nullptr ? RouteVerb::add : RouteVerb::replace,
                                   wanted.key, wanted.value, index)});
  }
}

}  // namespace

PodInside read_pod_inside(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint) {
  PodInside inside{.loopback = find_link(socket, "lo"), .link = find_link(socket, spec.ifname)};
  inside.addresses = socket.dump(address_dump(), decode_address);
  inside.routes = socket.dump(route_dump(spec.address.family()), decode_route);
  if (inside.link)
    inside.gateway_is_permanent =
        gateway_is_permanent(socket, spec, endpoint, inside.link->link.index);
  return inside;
}

std::optional<std::string> conflict_in_pod(const PodInside& inside, const PodSpec& spec) {
  const int index = inside.link ? inside.link->link.index : 0;
  for (const LinkAddress& present : inside.addresses) {
    if (present.address.family() != spec.address.family() || present.kernel_made) continue;
    if (present.index == index && present.address != spec.address)
      return spec.ifname + " has the address " + present.address.to_string() + ", not " +
             spec.address.to_string();
    if (present.index != index && present.address == spec.address)
      return "the address " + spec.address.to_string() + " is on another device of the pod";
  }
  for (const WantedRoute& wanted : wanted_routes(spec)) {
    const KernelRoute* present = find_route(inside, wanted.key);
    if (present != nullptr && present->dev != index)
      return "the " + wanted.what + " goes over another device of the pod";
  }
  return std::nullopt;
}

std::vector<PodStep> missing_steps(const PodInside& inside, const PodSpec& spec,
                                   const Endpoint& endpoint) {
  std::vector<PodStep> steps;
  const int index = inside.link->link.index;
  if (inside.loopback && !inside.loopback->up())
    steps.push_back({"lo up", set_up(inside.loopback->link.index)});
  if (!has_address(inside, spec)) {
    const Address value{.prefix_length = Cidr::host(spec.address).length(), .scope_link = false};
    steps.push_back(
        {"address " + spec.address.to_string(), encode_new_address(index, spec.address, value)});
  }
  if (!inside.link->up()) steps.push_back({spec.ifname + " up", set_up(index)});
  add_route_steps(steps, inside, spec);
  if (!inside.gateway_is_permanent)
    steps.push_back({"neighbour entry of the gateway", new_neighbour(spec, endpoint, index)});
  return steps;
}

}  // namespace pellicle
