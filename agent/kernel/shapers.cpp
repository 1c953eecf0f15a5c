#include "agent/kernel/shapers.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>

#include <cerrno>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr uint32_t kIngressHandle = 0xffff0000;
constexpr int kFirstAction = 1;

std::optional<int> device_with_ingress(const nlmsghdr& message) {
  const auto header = header_of<tcmsg>(message);
  const bool ingress = Attributes(message, sizeof(tcmsg)).text(TCA_KIND) == "ingress";
  return header && ingress ? std::optional(header->tcm_ifindex) : std::nullopt;
}

NetlinkMessage filters_of(int device) {
  NetlinkMessage request(RTM_GETTFILTER, 0);
  tcmsg header{};
  header.tcm_ifindex = device;
  header.tcm_parent = kIngressHandle;
  request.header(header);
  return request;
}

// Interface index that a filter of the device redirects to; 0: none. Also 0 when the device or its
// qdisc is gone since: a notification of that triggers another pass.
int redirected(NetlinkSocket& socket, int device) {
  try {
    const auto found = socket.dump(filters_of(device), decode_redirect);
    return found.empty() ? 0 : found.front();
  } catch (const OsError& error) {
    if (error.error() == ENODEV || error.error() == EINVAL) return 0;
    throw;
  }
}

}  // namespace

std::optional<int> decode_redirect(const nlmsghdr& message) {
  const Attributes filter(message, sizeof(tcmsg));
  const auto kind = filter.text(TCA_KIND);
  if (kind != "u32" && kind != "matchall") return std::nullopt;
  const Attributes options(filter.raw(TCA_OPTIONS));
  const Attributes actions(options.raw(kind == "u32" ? int{TCA_U32_ACT} : int{TCA_MATCHALL_ACT}));
  const Attributes action(actions.raw(kFirstAction));
  if (action.text(TCA_ACT_KIND) != "mirred") return std::nullopt;
  const auto mirred = Attributes(action.raw(TCA_ACT_OPTIONS)).value<tc_mirred>(TCA_MIRRED_PARMS);
  if (!mirred || mirred->eaction != TCA_EGRESS_REDIR) return std::nullopt;
  return static_cast<int>(mirred->ifindex);
}

std::map<int, int> shaping_devices(NetlinkSocket& socket) {
  NetlinkMessage request(RTM_GETQDISC, 0);
  request.header(tcmsg{});
  std::map<int, int> shaping;
  for (const int device : socket.dump(std::move(request), device_with_ingress)) {
    shaping[device] = redirected(socket, device);
  }
  return shaping;
}

}  // namespace pellicle
