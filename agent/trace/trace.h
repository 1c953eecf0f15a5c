// Where a packet would go, and why: the decisions of the eBPF programs, the rules, routes, policies
// and states of this kernel, walked one after the other. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/model/path.h"

namespace pellicle {

struct TraceStep {
  std::string where;    // "lxc ingress", "rule", "route", "policy", "state"
  std::string finding;  // what is there, in the words of `ip`, or what is missing
  bool fine = true;     // false: this is where the packet's way ends, or what lets it go on wrong
};

enum class TraceEnd : uint8_t {
  encrypted,  // leaves this node as ESP
  delivered,  // reaches a pod of this node
  clear,      // leaves this node as it is: not for a peer's pods
  dropped,
};
const char* end_name(TraceEnd end);  // "encrypted"

struct Trace {
  std::vector<TraceStep> steps;
  TraceEnd end = TraceEnd::dropped;
  std::string verdict;  // one sentence
};

// From a pod of this node to anybody, or from a peer's pod to one of this node; std::runtime_error
// names what neither is. Addresses are those before kube-proxy's NAT: of a Service, ask about one
// of its pods. `kernel` is a complete dump, `paths` what is known of paths.
Trace trace(const KernelState& kernel, const IpAddress& from, const IpAddress& to,
            const PathMtus& paths = {});

}  // namespace pellicle
