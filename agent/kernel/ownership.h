// Tells which kernel objects are Pellicle's, as agent/model/objects.h defines it for each kind.
// Pure. Routes in main and sysctls need the ledger as well.
#pragma once

#include "agent/kernel/route_codec.h"
#include "agent/kernel/rule_codec.h"
#include "agent/model/objects.h"

namespace pellicle {

// The two ends of Pellicle's veth pair.
struct OwnDevices {
  std::string host;  // "cilium_host"
  std::string net;   // "cilium_net"
  bool has(const std::string& device) const { return device == host || device == net; }
};

bool is_ours(const State::Key& key, const State& value);
bool is_block_policy(const Policy::Key& key, const Policy& value);  // with any priority
bool is_ours(const Policy::Key& key, const Policy& value);          // includes the block policy

// Decides by the device, by the protocol of table 200's local route, or by the table and metric of
// an unreachable route. `dev` is the name of the route's device.
bool is_ours(const KernelRoute& route, const std::string& dev, const OwnDevices& own);
// True for routes in main through a gateway. Other programs make such routes too, so they are
// Pellicle's only if the ledger has them.
bool needs_ledger(const Route::Key& key, const Route& value);

bool is_ours(const KernelRule& rule);
bool is_local_rule(const KernelRule& rule);  // `from all lookup local`

}  // namespace pellicle
