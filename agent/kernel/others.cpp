#include "agent/kernel/others.h"

#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <algorithm>

#include "agent/kernel/links.h"
#include "agent/kernel/ownership.h"
#include "agent/kernel/xfrm_policy_codec.h"
#include "agent/kernel/xfrm_state_codec.h"

namespace pellicle {

namespace {

std::optional<bool> is_others_state(const nlmsghdr& message) {
  if (message.nlmsg_type != XFRM_MSG_NEWSA) return std::nullopt;
  const auto state = decode_state(message);
  return !state || !is_ours(state->key, state->value);
}

std::optional<bool> is_others_policy(const nlmsghdr& message) {
  if (message.nlmsg_type != XFRM_MSG_NEWPOLICY) return std::nullopt;
  const auto policy = decode_policy(message);
  return !policy || !is_ours(policy->key, policy->value);
}

size_t count(const std::vector<bool>& others) {
  return static_cast<size_t>(std::count(others.begin(), others.end(), true));
}

}  // namespace

std::vector<NetworkDevice> network_devices() {
  NetlinkSocket socket(NETLINK_ROUTE);
  const Devices devices(socket);
  std::vector<NetworkDevice> all;
  all.reserve(devices.all().size());
  for (const auto& link : devices.all()) all.push_back({link.name, link.kind, link.mtu});
  return all;
}

OthersXfrm others_xfrm() {
  NetlinkSocket socket(NETLINK_XFRM);
  return {.states = count(socket.dump(state_dump(), is_others_state)),
          .policies = count(socket.dump(policy_dump(), is_others_policy))};
}

}  // namespace pellicle
