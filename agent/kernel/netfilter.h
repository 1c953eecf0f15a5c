// Netfilter chains, in the tables that iptables' programs show: in nftables by netlink, in the
// legacy tables by iptables-legacy's programs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netfilter_backend.h"
#include "agent/kernel/netfilter_legacy.h"
#include "agent/kernel/netfilter_nftables.h"
#include "agent/kernel/outcome.h"
#include "agent/model/kernel_state.h"
#include "agent/model/node.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Reads and writes in the network namespace of the calling thread. There are two back ends, which
// the same commands show: the legacy tables and nftables. Each look() chooses one, see
// BackendWeight: the one where kube-proxy or kubelet keeps its chains; else the one with Pellicle's
// chains; else the one with more rules; else the one of plain `iptables`. A back end that this
// kernel does not support is skipped.
class Netfilter {
 public:
  // Reads Pellicle's chains. A chain in the back end that was not chosen has an empty `parent`, so
  // that it differs from every wanted chain. A chain in both back ends is that of the chosen one,
  // with an empty `parent`. Loads no table. Throws OsError when an existing table cannot be read.
  void dump(KernelState& into);

  // Makes one commit, and then a second one if the other back end has the chain too, to remove it
  // there. Throws OsError with the message of the kernel, or of iptables-legacy-restore.
  void apply(const Change<NetfilterChain>& change);
  // The same for several changes, with one outcome each: in one commit for each family if possible.
  std::vector<Outcome> apply(std::span<const Change<NetfilterChain>> run);

  // Rules of other programs that reject or drop pods' packets, from the last dump.
  std::vector<Problem> problems() const;

  // "iptables-legacy" or "iptables-nft"; empty before the first look, or without either.
  std::string backend() const { return usable_.empty() ? "" : usable_.front()->name(); }

 private:
  void look();
  void write(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  bool write_together(std::span<const Change<NetfilterChain>> run, Family family);
  void prefer(const NetfilterBackend& backend);
  static void remove(NetfilterBackend& backend, const NetfilterChain::Key& key);

  LegacyTables legacy_;
  Nftables nftables_;
  std::vector<NetfilterBackend*> usable_;  // those whose tables can be read, chosen one first
};

}  // namespace pellicle
