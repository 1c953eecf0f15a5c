#include "agent/kernel/announcements.h"

#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>

#include "agent/kernel/netlink_message.h"
#include "agent/model/contract.h"

namespace pellicle {

namespace {

bool is_pod_link(const nlmsghdr& message) {
  return Attributes(message, sizeof(ifinfomsg)).text(IFLA_IFNAME).starts_with("lxc");
}

bool is_daemons_route(const nlmsghdr& message) {
  const auto info = header_of<rtmsg>(message);
  return info && info->rtm_protocol > RTPROT_BOOT && info->rtm_protocol != kEncryptRouteProtocol;
}

// True for values other than those that the agent writes: forwarding off or rp_filter on. The
// kernel also announces the initial values of a new device.
bool is_astray(const nlmsghdr& message) {
  const Attributes settings(message, sizeof(netconfmsg));
  return settings.value<int32_t>(NETCONFA_FORWARDING).value_or(1) == 0 ||
         settings.value<int32_t>(NETCONFA_RP_FILTER).value_or(0) != 0;
}

// Empty: the message is of no interest.
std::string route_change(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return is_pod_link(message) ? kPodLinkChange : "link";
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return "address";
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return is_daemons_route(message) ? kDaemonRouteChange : "route";
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return "rule";
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
      return "tc";
    case RTM_NEWNETCONF:
      return is_astray(message) ? kSettingChange : "";
    default:
      return "";
  }
}

std::string xfrm_change(uint16_t type) {
  switch (type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_FLUSHSA:
      return "xfrm state";
    case XFRM_MSG_NEWPOLICY:
    case XFRM_MSG_UPDPOLICY:
    case XFRM_MSG_DELPOLICY:
    case XFRM_MSG_FLUSHPOLICY:
      return "xfrm policy";
    default:
      return "";
  }
}

}  // namespace

Changes changes_in(int protocol, std::span<const uint8_t> bytes,
                   const std::function<bool(uint32_t port)>& is_own) {
  Changes changes;
  auto left = static_cast<int>(bytes.size());
  // libnl takes pointers to non-const; it does not write.
  auto* message = reinterpret_cast<nlmsghdr*>(const_cast<uint8_t*>(bytes.data()));
  for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left)) {
    // Port 0 is the kernel itself.
    if (message->nlmsg_pid != 0 && is_own(message->nlmsg_pid)) continue;
    auto change =
        protocol == NETLINK_XFRM ? xfrm_change(message->nlmsg_type) : route_change(*message);
    if (!change.empty()) changes.insert(std::move(change));
  }
  return changes;
}

}  // namespace pellicle
