// What the two directions of a trace share: looking things up the way the kernel does.
#pragma once

#include <optional>

#include "agent/trace/trace.h"

namespace pellicle {

// One packet on its way. Each look adds a step; what is missing ends the walk as dropped.
class Walk {
 public:
  Walk(const KernelState& kernel, const IpAddress& from, const IpAddress& to, const PathMtus& paths)
      : kernel_(kernel), from_(from), to_(to), paths_(paths) {}

  const KernelState& kernel() const { return kernel_; }
  const IpAddress& from() const { return from_; }
  const IpAddress& to() const { return to_; }
  const DatapathConfig& config() const { return kernel_.datapath_config.begin()->second; }

  bool is_router(const IpAddress& address) const;  // cilium_host's

  void found(const std::string& where, const std::string& finding);
  void noted(const std::string& where, const std::string& finding);  // wrong, yet it goes on
  Trace ended(TraceEnd end, const std::string& verdict);
  Trace missing(const std::string& where, const std::string& finding, const std::string& effect);

  // Our program on a device's hook; without it `without` happens.
  bool program(const std::string& dev, bool ingress, const std::string& name,
               const std::string& without);
  // On the device towards the peer, with Ethernet header or without.
  bool uplink_program(bool ingress, const std::string& without);
  bool mark_rule(const Mark& mark);
  bool table_rule(uint32_t table) const;  // one that looks it up for packets of this walk
  // The longest prefix of a table that covers the address; of ours, others' are not seen.
  std::optional<Table<Route>::value_type> route(uint32_t table, const IpAddress& to) const;
  bool route_found(uint32_t table, const IpAddress& to);
  void path(const IpAddress& router);  // to the peer with this address, where it is narrow

 private:
  bool is_attached(const std::string& dev, bool ingress, const std::string& name) const;
  const KernelState& kernel_;
  IpAddress from_;
  IpAddress to_;
  const PathMtus& paths_;
  Trace trace_;
};

Trace trace_sent(Walk& walk);
Trace trace_received(Walk& walk);
// To a pod of this node, from cilium_host's egress on.
Trace trace_delivery(Walk& walk, const std::string& how);

}  // namespace pellicle
