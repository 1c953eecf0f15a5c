// What the kernel announces of changes to its tables, this process's own left out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>

namespace pellicle {

using Changes = std::set<std::string>;
inline constexpr const char* kPodLinkChange = "pod link";     // of a device lxc*
inline constexpr const char* kNetfilterChange = "netfilter";  // somebody used its tools
// Of a protocol that neither the kernel nor an administrator's command nor this agent has: bird,
// zebra, a DHCP client, a router's advertisement.
inline constexpr const char* kDaemonRouteChange = "daemon's route";
// rp_filter or forwarding has another value than the agent gives it, on any device. The kernel
// (6.1) announces no other setting that the datapath depends on.
inline constexpr const char* kSettingChange = "setting";

// The kernel's messages about links, addresses, routes, rules and settings of both families, tc,
// and XFRM states and policies. They come from the network namespace of the constructing thread.
// When the socket's buffer overflows, that counts as a change, so no change is silently lost.
class Notifications {
 public:
  // `is_own` says of a netlink port whether it is one of this process. The kernel (6.1) names no
  // port for links, so a change of ours to a link is heard of as well: one pass more, which plans
  // nothing. Throws OsError.
  explicit Notifications(std::function<bool(uint32_t port)> is_own);
  ~Notifications();
  Notifications(const Notifications&) = delete;
  Notifications& operator=(const Notifications&) = delete;

  // Readable when there is something to take. Stays ours.
  int fd() const;

  // Reads all that has come, without waiting. What others changed, in words: "route", "pod
  // link", "xfrm policy", ..., "too much to follow". Empty when all of it was ours. Throws OsError.
  Changes changes();

 private:
  struct Sources;
  std::unique_ptr<Sources> sources_;
  std::function<bool(uint32_t)> is_own_;
};

}  // namespace pellicle
