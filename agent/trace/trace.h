// Computes where a packet would go, and why: follows the decisions of the eBPF programs, rules,
// routes, policies and states of this kernel one after the other. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/model/path.h"

namespace pellicle {

struct TraceStep {
  std::string where;    // "lxc ingress", "rule", "route", "policy", "state"
  std::string finding;  // the object, as `ip` prints it, or what is missing
  bool fine = true;     // false: the packet is dropped here, or takes a wrong path from here
};

enum class TraceEnd : uint8_t {
  encrypted,  // leaves this node as ESP
  delivered,  // reaches a pod of this node
  clear,      // leaves this node unencrypted
  dropped,
};
const char* end_name(TraceEnd end);  // "encrypted"

struct Trace {
  std::vector<TraceStep> steps;
  TraceEnd end = TraceEnd::dropped;
  std::string verdict;  // one sentence
};

// Traces a packet from a pod of this node to any address, or from a peer's pod to a pod of this
// node. Throws std::runtime_error when neither address is in this node's PodCIDRs, when the
// families differ, or when the datapath has no configuration. kube-proxy's NAT is not followed: for
// a Service, pass the address of one of its pods. `kernel` is a complete dump; `paths` are the
// known path MTUs.
Trace trace(const KernelState& kernel, const IpAddress& from, const IpAddress& to,
            const PathMtus& paths = {});

}  // namespace pellicle
