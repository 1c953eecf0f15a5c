// The devices of this network namespace, and Pellicle's veth pair.
#pragma once

#include <span>
#include <vector>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/ownership.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// A snapshot of all devices.
class Devices {
 public:
  explicit Devices(NetlinkSocket& socket);  // throws OsError

  const std::vector<Link>& all() const { return links_; }
  const Link* find(const std::string& name) const;  // null: there is none
  const Link* find(int index) const;
  std::string name(int index) const;  // empty: there is none

 private:
  std::vector<Link> links_;
};

// "no device eth7": the outcome of an operation whose device is missing.
Outcome missing_device(const std::string& name);

void dump_links(const Devices& devices, const OwnDevices& own, KernelState& into);
std::vector<Outcome> apply_links(NetlinkSocket& socket, std::span<const Change<VethPair>> changes);

}  // namespace pellicle
