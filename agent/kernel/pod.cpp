#include "agent/kernel/pod.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "agent/kernel/netns.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/pod_inside.h"

namespace pellicle {

namespace {

using Digest = std::array<uint8_t, SHA256_DIGEST_LENGTH>;

std::string named(const PodSpec& spec) {
  return "pod " + (spec.name.empty() ? spec.id : spec.name);
}

Mac mac_from(const Digest& digest, size_t offset) {
  Mac mac;
  std::copy_n(digest.begin() + static_cast<std::ptrdiff_t>(offset), mac.bytes.size(),
              mac.bytes.begin());
  mac.bytes[0] = static_cast<uint8_t>((mac.bytes[0] & ~0x01U) | 0x02U);  // unicast, local
  return mac;
}

void require(const Outcome& outcome, const std::string& operation) {
  if (!outcome.ok()) throw OsError(outcome.error, operation + ": " + outcome.sentence);
}

std::optional<PodLink> find_pod_end(const Netns& netns, const std::string& ifname) {
  std::optional<PodLink> found;
  netns.run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    found = find_link(inside, ifname);
  });
  return found;
}

// A pod that sends router advertisements must not give the node routes and addresses. The device
// dies with the setting. No such file: the kernel has no IPv6.
void ignore_router_advertisements(const Endpoint& endpoint) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + endpoint.device + "/accept_ra";
  std::ofstream file(path);
  if (!file && errno == ENOENT) return;
  file << "0" << std::flush;
  if (!file) throw OsError(errno, "write 0 to " + path + ": " + std::strerror(errno));
}

void set_shape(NetlinkSocket& socket, const PodSpec& spec, const Endpoint& endpoint,
               const PodLink& host_end) {
  ignore_router_advertisements(endpoint);
  const std::string operation = "set up device " + endpoint.device + " of " + named(spec);
  require(socket.request(set_alias(endpoint.device, "pellicle " + named(spec))), operation);
  if (spec.link_mtu != 0 && host_end.link.mtu != spec.link_mtu)
    require(socket.request(set_mtu(endpoint.device, spec.link_mtu)), operation);
}

std::string phrases(const std::vector<PodStep>& steps) {
  std::string text;
  for (const PodStep& step : steps) text += (text.empty() ? "" : ", ") + step.what;
  return text;
}

}  // namespace

Endpoint pod_endpoint(const PodSpec& spec) {
  static constexpr char kDigits[] = "0123456789abcdef";
  Digest digest{};
  SHA256(reinterpret_cast<const uint8_t*>(spec.id.data()), spec.id.size(), digest.data());
  std::string device = "lxc";
  for (size_t i = 0; i < 6; ++i) {
    device += kDigits[digest[i] >> 4];
    device += kDigits[digest[i] & 15];
  }
  return {.id = spec.id,
          .name = spec.name,
          .device = device,
          .address = spec.address,
          .pod_mac = mac_from(digest, 6),
          .host_mac = mac_from(digest, 12),
          .netns = spec.netns};
}

Endpoint create_pod_link(const PodSpec& spec) {
  Endpoint endpoint = pod_endpoint(spec);
  const std::string operation = "wire " + named(spec);
  const Netns netns(spec.netns);
  if (netns == Netns::of_this_thread())
    throw OsError(EINVAL, operation + ": " + spec.netns + " is the node's own network namespace");
  NetlinkSocket socket(NETLINK_ROUTE);
  auto host_end = find_link(socket, endpoint.device);
  const auto pod_end = find_pod_end(netns, spec.ifname);
  if (!is_pair_of(endpoint, host_end, pod_end)) {
    if (pod_end)
      throw OsError(EEXIST, operation + ": " + spec.netns + " already has another device named " +
                                spec.ifname);
    if (host_end && host_end->link.kind != "veth")
      throw OsError(EEXIST,
                    operation + ": the node already has another device named " + endpoint.device);
    // A pair of the same id whose other end is elsewhere: left from an earlier sandbox.
    remove_pod_link(endpoint);
    require(socket.request(new_pod_link(spec, endpoint, netns.fd())), operation);
    host_end = find_link(socket, endpoint.device);
    if (!host_end) throw OsError(ENODEV, operation + ": " + endpoint.device + " has gone again");
  }
  set_shape(socket, spec, endpoint, *host_end);
  return endpoint;
}

void start_pod(const PodSpec& spec, const Endpoint& endpoint) {
  const std::string operation = "start " + named(spec);
  const Netns netns(spec.netns);
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  netns.run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    const PodInside found = read_pod_inside(inside, spec, endpoint);
    if (!is_pair_of(endpoint, host_end, found.link))
      throw OsError(ENODEV, operation + ": " + endpoint.device + " and " + spec.ifname + " in " +
                                spec.netns + " are not a pair");
    if (const auto conflict = conflict_in_pod(found, spec))
      throw OsError(EEXIST, operation + ": " + *conflict);
    // The host's end first: with a carrier the routes count at once.
    if (!host_end->up()) require(socket.request(set_up(host_end->link.index)), operation);
    for (PodStep& step : missing_steps(found, spec, endpoint))
      require(inside.request(std::move(step.message)), operation + ", " + step.what);
  });
}

void remove_pod_link(const Endpoint& endpoint) {
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  if (!host_end || host_end->link.kind != "veth") return;
  const Outcome outcome = socket.request(delete_link(endpoint.device));
  if (outcome.error != ENODEV) require(outcome, "delete device " + endpoint.device);
}

std::string missing_of_pod(const PodSpec& spec, const Endpoint& endpoint) {
  if (!Netns::exists(spec.netns)) return "network namespace " + spec.netns;
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto host_end = find_link(socket, endpoint.device);
  if (!host_end) return "device " + endpoint.device;
  std::string missing;
  Netns(spec.netns).run([&] {
    NetlinkSocket inside(NETLINK_ROUTE);
    const PodInside found = read_pod_inside(inside, spec, endpoint);
    if (!is_pair_of(endpoint, host_end, found.link))
      missing = spec.ifname + " as the other end of " + endpoint.device;
    else if (!host_end->up())
      missing = endpoint.device + " up";
    else if (const auto conflict = conflict_in_pod(found, spec))
      missing = "a free place: " + *conflict;
    else
      missing = phrases(missing_steps(found, spec, endpoint));
  });
  return missing;
}

bool pod_is_wired(const PodSpec& spec, const Endpoint& endpoint) {
  return missing_of_pod(spec, endpoint).empty();
}

}  // namespace pellicle
