// Lookups that both directions of a trace share; they follow the kernel's own lookups.
#pragma once

#include <optional>

#include "agent/trace/trace.h"

namespace pellicle {

// The steps of one packet.
class Walk {
 public:
  Walk(const KernelState& kernel, const IpAddress& from, const IpAddress& to, const PathMtus& paths)
      : kernel_(kernel), from_(from), to_(to), paths_(paths) {}

  const KernelState& kernel() const { return kernel_; }
  const IpAddress& from() const { return from_; }
  const IpAddress& to() const { return to_; }
  const DatapathConfig& config() const { return kernel_.datapath_config.begin()->second; }

  bool is_router(const IpAddress& address) const;  // an address of this node's cilium_host

  // Adds a step.
  void found(const std::string& where, const std::string& finding);
  // Adds a step with fine = false; the walk continues.
  void noted(const std::string& where, const std::string& finding);
  Trace ended(TraceEnd end, const std::string& verdict);
  // noted(), then ends the walk as dropped; `effect` is the verdict.
  Trace missing(const std::string& where, const std::string& finding, const std::string& effect);

  // Adds a step for Pellicle's program on a device's hook. Returns false when it is not attached;
  // `without` says what happens then.
  bool program(const std::string& dev, bool ingress, const std::string& name,
               const std::string& without);
  // As program(), for the device towards the peer: with or without an Ethernet header.
  bool uplink_program(bool ingress, const std::string& without);
  bool mark_rule(const Mark& mark);       // adds a step when a rule leads the mark to table 200
  bool table_rule(uint32_t table) const;  // a rule looks up this table for packets of this walk
  // Longest prefix match in a table. Knows only Pellicle's own routes.
  std::optional<Table<Route>::value_type> route(uint32_t table, const IpAddress& to) const;
  bool route_found(uint32_t table, const IpAddress& to);  // as route(); adds a step when found
  void path(const IpAddress& router);  // adds the path MTU to this peer, when one is known

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
// Delivery to a pod of this node, from the route to cilium_host on.
Trace trace_delivery(Walk& walk, const std::string& how);

}  // namespace pellicle
