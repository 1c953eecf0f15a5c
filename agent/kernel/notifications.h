// Reads the kernel's notifications of changes to its tables, except those of this process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace pellicle {

using Changes = std::set<std::string>;
inline constexpr const char* kPodLinkChange = "pod link";     // a device lxc*
inline constexpr const char* kNetfilterChange = "netfilter";  // see NetfilterWatch
// A route with a protocol of a daemon (bird, zebra, a DHCP client, a router advertisement), not of
// the kernel, an administrator's command or this agent.
inline constexpr const char* kDaemonRouteChange = "daemon's route";
// rp_filter or forwarding of any device has another value than the agent sets. The kernel (6.1)
// announces no other setting that the datapath depends on.
inline constexpr const char* kSettingChange = "setting";

// Notifications about links, addresses, routes, rules and settings of both families, tc, and XFRM
// states and policies, in the network namespace of the constructing thread. An overflow of the
// socket's buffer counts as a change, so no change is silently lost.
class Notifications {
 public:
  // `is_own` tells whether a netlink port belongs to this process. The kernel (6.1) names no port
  // for links, so the agent's own change to a link is reported too and causes one more pass, which
  // plans nothing. Throws OsError.
  explicit Notifications(std::function<bool(uint32_t port)> is_own);
  ~Notifications();
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  // Readable when notifications are pending. Owned by this object.
  int fd() const;

  // Reads all pending notifications, without waiting. Returns names of what other programs changed:
  // "route", "pod link", "xfrm policy", ..., or "too much to follow" after an overflow. Empty when
  // all changes were the agent's. Throws OsError.
  Changes changes();

 private:
  struct Sources;
  std::unique_ptr<Sources> sources_;
  std::function<bool(uint32_t)> is_own_;
};

}  // namespace pellicle
