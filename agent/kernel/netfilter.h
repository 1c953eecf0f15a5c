// Netfilter chains, through the tools that every other user of the node's tables takes as well.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netfilter_backend.h"
#include "agent/kernel/outcome.h"
#include "agent/model/kernel_state.h"
#include "agent/model/node.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Reads and writes in the network namespace of the calling thread. There are two back ends, the
// legacy tables and nftables behind the same commands. With every look the better one is taken, see
// BackendWeight: where kube-proxy or the kubelet keeps its chains; else where ours are already;
// else the one with more rules; else what plain `iptables` is. One that this kernel lacks is left
// for the other.
class Netfilter {
 public:
  // Chains of ours. One that is in the other back end, perhaps besides, has an empty `parent`, so
  // that it differs from every wanted one. Loads no table. Throws OsError when a table that exists
  // cannot be read.
  void dump(KernelState& into);

  // One commit a change; another where the other back end has the chain as well, which is taken
  // away last. Throws OsError with the words of iptables-restore.
  void apply(const Change<NetfilterChain>& change);
  // The same for several, an outcome each, with as few programs run as can be.
  std::vector<Outcome> apply(std::span<const Change<NetfilterChain>> run);

  // Rules of others that refuse pods' packets, as of the last dump.
  std::vector<Problem> problems() const;

  // "iptables-legacy" or "iptables-nft"; empty before anything was read or when there is neither.
  std::string backend() const { return usable_.empty() ? "" : usable_.front()->name(); }

 private:
  void look();
  void write(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  bool write_together(std::span<const Change<NetfilterChain>> run, Family family);
  void prefer(const NetfilterBackend& backend);
  static void remove(NetfilterBackend& backend, const NetfilterChain::Key& key);

  std::array<NetfilterBackend, 2> backends_ = {NetfilterBackend("iptables-legacy"),
                                               NetfilterBackend("iptables-nft")};
  std::vector<NetfilterBackend*> usable_;  // those whose tables can be read, best first
};

}  // namespace pellicle
