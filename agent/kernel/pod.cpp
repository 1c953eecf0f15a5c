#include "agent/kernel/pod.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/kernel/netns.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/pod_inside.h"
#include "agent/kernel/pods_in_kernel.h"
#include "agent/kernel/sysctl.h"

namespace pellicle {

namespace {

using Digest = std::array<uint8_t, SHA256_DIGEST_LENGTH>;

std::string person_name(const PodSpec& spec) {
  return spec.name.empty() ? spec.id : spec.name;
}

std::string named(const PodSpec& spec) {
  return "pod " + person_name(spec);
}

Digest digest_of(const std::string& id) {
  Digest digest{};
  SHA256(reinterpret_cast<const uint8_t*>(id.data()), id.size(), digest.data());
  return digest;
}

std::string device_from(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string device = "lxc";
  for (size_t i = 0; i < 6; ++i) {
    device += kDigits[digest[i] >> 4];
    device += kDigits[digest[i] & 15];
  }
  return device;
}

std::vector<IpAddress> plain_addresses(const PodSpec& spec) {
  std::vector<IpAddress> addresses;
  for (const PodAddress& given : spec.addresses) addresses.push_back(given.address);
  return addresses;
}

Mac mac_from(const Digest& digest, size_t offset) {
  Mac mac;
  std::copy_n(digest.begin() + static_cast<std::ptrdiff_t>(offset), mac.bytes.size(),
              mac.bytes.begin());
  mac.bytes[0] = static_cast<uint8_t>((mac.bytes[0] & ~0x01U) | 0x02U);  // unicast, local
  return mac;
}

std::shared_ptr<const Netns> netns_of(const PodSpec& spec) {
  return spec.opened ? spec.opened : std::make_shared<const Netns>(spec.netns);
}

std::optional<PodLink> find_pod_end(const Netns& netns, const std::string& ifname) {
  std::optional<PodLink> found;
  netns.run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    found = find_link(inside, ifname);
  });
  return found;
}

// A pod that sends router advertisements must not give the node routes and addresses; without them
// the node asks for none either. The device dies with the setting.
void ignore_router_advertisements(const Endpoint& endpoint) {
  try {
    write_sysctl("net/ipv6/conf/" + endpoint.device + "/accept_ra", "0");
  } catch (const OsError& error) {
    if (error.error() != ENOENT) throw;  // no such file: the device has no IPv6
  }
}

// One of the two names is taken: by this very pair, by one of an earlier sandbox of the same id,
// whose other end is elsewhere, or by something else.
Outcome settle_taken_name(NetlinkSocket& socket, const Netns& netns, const PodSpec& spec,
                          const Endpoint& endpoint) {
  const auto host_end = find_link(socket, endpoint.device);
  const auto pod_end = find_pod_end(netns, spec.ifname);
  if (is_pair_of(endpoint, host_end, pod_end)) {
    if (spec.link_mtu == 0 || host_end->link.mtu == spec.link_mtu) return {};
    return socket.request(set_mtu(endpoint.device, spec.link_mtu));
  }
  if (pod_end) return {EEXIST, spec.netns + " already has another device named " + spec.ifname};
  if (host_end && host_end->link.kind != "veth")
    return {EEXIST, "the node already has another device named " + endpoint.device};
  remove_pod_link(endpoint);
  return socket.request(new_pod_link(spec, endpoint, netns.fd()));
}

void take_steps(NetlinkSocket& inside, std::vector<PodStep> steps, const std::string& operation) {
  std::vector<NetlinkMessage> messages;
  messages.reserve(steps.size());
  for (PodStep& step : steps) messages.push_back(std::move(step.message));
  const auto outcomes = inside.batch(messages);
  for (size_t i = 0; i < outcomes.size(); ++i)
    require(outcomes[i], operation + ", " + steps[i].what);
}

template <class Missing>
void add_phrases(std::string& text, const std::vector<Missing>& all) {
  for (const Missing& missing : all) text += (text.empty() ? "" : ", ") + missing.what;
}

int pod_index(const std::optional<PodLink>& host_end) {
  return host_end ? host_end->link.peer_index.value_or(0) : 0;
}

}  // namespace

std::string pod_device(const std::string& id) {
  return device_from(digest_of(id));
}

Endpoint pod_endpoint(const PodSpec& spec) {
  const Digest digest = digest_of(spec.id);
  return {.id = spec.id,
          .name = spec.name,
          .network = {},
          .device = spec.device.empty() ? device_from(digest) : spec.device,
          .addresses = plain_addresses(spec),
          .pod_mac = mac_from(digest, 6),
          .host_mac = mac_from(digest, 12),
          .netns = spec.netns};
}

Endpoint create_pod_link(const PodSpec& spec) {
  Endpoint endpoint = pod_endpoint(spec);
  const std::string operation = "wire " + named(spec);
  if (spec.addresses.empty()) throw OsError(EINVAL, operation + ": expected at least one address");
  const auto netns = netns_of(spec);
  if (*netns == Netns::of_this_thread())
    throw OsError(EINVAL, operation + ": " + spec.netns + " is the node's own network namespace");
  NetlinkSocket socket(NETLINK_ROUTE);
  Outcome made = socket.request(new_pod_link(spec, endpoint, netns->fd()));
  if (made.error == EEXIST) made = settle_taken_name(socket, *netns, spec, endpoint);
  require(made, operation);
  if (spec.device.empty()) {
    require(socket.request(set_alias(endpoint.device, kPodAlias + person_name(spec))), operation);
  }
  ignore_router_advertisements(endpoint);
  return endpoint;
}

void start_pod(const PodSpec& spec, const Endpoint& endpoint) {
  const std::string operation = "start " + named(spec);
  const auto netns = netns_of(spec);
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  netns->run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    const PodInside found = read_pod_inside(inside, spec, endpoint, pod_index(host_end));
    if (!is_pair_of(endpoint, host_end, found.link))
      throw OsError(ENODEV, operation + ": " + endpoint.device + " and " + spec.ifname + " in " +
                                spec.netns + " are not a pair");
    if (const auto conflict = conflict_in_pod(found, spec))
      throw OsError(conflict->error(), operation + ": " + conflict->what());
    for (const PodSetting& setting : missing_settings(found, spec))
      write_sysctl(setting.path, setting.value);
    // The host's end first: with a carrier the routes count at once.
    if (!host_end->up()) require(socket.request(set_up(host_end->link.index)), operation);
    take_steps(inside, missing_steps(found, spec, endpoint), operation);
  });
}

bool has_pod_link(const Endpoint& endpoint) {
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  return host_end && host_end->link.kind == "veth" && host_end->mac == endpoint.host_mac;
}

void remove_pod_link(const Endpoint& endpoint) {
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  if (!host_end || host_end->link.kind != "veth") return;
  const Outcome outcome = socket.request(delete_link(endpoint.device));
  if (outcome.error != ENODEV) require(outcome, "delete device " + endpoint.device);
}

std::string missing_of_pod(const PodSpec& spec, const Endpoint& endpoint) {
  if (!spec.opened && !Netns::exists(spec.netns)) return "network namespace " + spec.netns;
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  if (!host_end) return "device " + endpoint.device;
  std::string missing;
  netns_of(spec)->run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    const PodInside found = read_pod_inside(inside, spec, endpoint, pod_index(host_end));
    if (!is_pair_of(endpoint, host_end, found.link))
      missing = spec.ifname + " as the other end of " + endpoint.device;
    else if (!host_end->up())
      missing = endpoint.device + " up";
    else if (const auto conflict = conflict_in_pod(found, spec))
      missing = std::string("a free place: ") + conflict->what();
    else {
      add_phrases(missing, missing_settings(found, spec));
      add_phrases(missing, missing_steps(found, spec, endpoint));
    }
  });
  return missing;
}

bool pod_is_wired(const PodSpec& spec, const Endpoint& endpoint) {
  return missing_of_pod(spec, endpoint).empty();
}

}  // namespace pellicle
