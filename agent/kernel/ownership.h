// How an object found in the kernel is recognised as ours. Pure; what agent/model/objects.h says of
// each kind, in code. Routes in main and sysctls need the ledger as well.
#pragma once

#include "agent/kernel/route_codec.h"
#include "agent/kernel/rule_codec.h"
#include "agent/model/objects.h"

namespace pellicle {

// The two devices of ours.
struct OwnDevices {
  std::string host;  // "cilium_host"
  std::string net;   // "cilium_net"
  bool has(const std::string& device) const { return device == host || device == net; }
};

bool is_ours(const State::Key& key, const State& value);
bool is_block_policy(const Policy::Key& key, const Policy& value);  // whatever its priority
bool is_ours(const Policy::Key& key, const Policy& value);          // block policy included

// By device, by table 200's protocol, or by the metric of an unreachable one. `dev` is the name of
// the route's device.
bool is_ours(const KernelRoute& route, const std::string& dev, const OwnDevices& own);
// A route in main through a gateway: ours if the ledger has it, whoever else could have made it.
bool needs_ledger(const Route::Key& key, const Route& value);

bool is_ours(const KernelRule& rule);
bool is_local_rule(const KernelRule& rule);  // `from all lookup local`

}  // namespace pellicle
