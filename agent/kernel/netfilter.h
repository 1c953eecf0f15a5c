// Netfilter chains, through the tools that every other user of the node's tables takes as well:
// xtables rules written by anything else are not shown by them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/netfilter_save.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Reads and writes in the network namespace of the calling thread. There are two back ends, the
// legacy tables and nftables behind the same commands. Chosen once: the one that holds chains of
// ours already; else the one where kube-proxy or the kubelet keeps its chains; else the one with
// more rules; else what plain `iptables` is. One that this kernel lacks is left for the other.
class Netfilter {
 public:
  // Chains of ours. Loads no table. Throws OsError when a table that exists cannot be read.
  void dump(KernelState& into);

  // One commit a change. Throws OsError with the words of iptables-restore.
  void apply(const Change<NetfilterChain>& change);

  // "iptables-legacy" or "iptables-nft"; empty before anything was read or when there is neither.
  const std::string& backend() const { return backend_; }

 private:
  // What to tell iptables-restore, given the table as it is; empty: nothing.
  using TextFor = std::function<std::string(const SavedTable&)>;
  void choose();
  void prefer(std::string backend);  // from now on: it is the one that works
  void write(const NetfilterChain::Key& key, const TextFor& text);

  std::string backend_;
  std::vector<std::string> usable_;  // those whose tables can be read, best first
};

}  // namespace pellicle
