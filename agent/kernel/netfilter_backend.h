// One of the two places for a node's netfilter chains: the legacy tables, or nftables. Each of the
// host's tools sees only the rules of its own place.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/kernel/outcome.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Reasons to keep Pellicle's chains in a back end, most important first; the greatest weight wins.
// The chains have to be beside kube-proxy's, because no rule of one back end overrides a drop in
// the other.
struct BackendWeight {
  bool kubernetes = false;  // kube-proxy or kubelet has chains here
  bool ours = false;        // Pellicle has chains here
  size_t rules = 0;         // of all programs; see NetfilterBackend::count_rules()
  bool is_default = false;  // plain `iptables` is this back end
  auto operator<=>(const BackendWeight&) const = default;
};

class NetfilterBackend {
 public:
  using Chains = Table<NetfilterChain>;

  virtual ~NetfilterBackend() = default;
  NetfilterBackend(const NetfilterBackend&) = delete;
  NetfilterBackend& operator=(const NetfilterBackend&) = delete;

  virtual const char* name() const = 0;  // "iptables-legacy" or "iptables-nft"

  // Reads the tables of both families in the namespace of the calling thread; loads no table.
  // Returns false when this kernel or node does not have the back end. Throws OsError when an
  // existing table cannot be read. Reads nothing when no program can have written since the last
  // look.
  virtual bool look() = 0;
  // Makes weight().rules exact. Until then it may be up to twice as many as there are: it decides
  // only between two back ends that are alike otherwise, and counting costs a dump of all rules.
  virtual void count_rules() {}

  // Results of the last look(), updated by the writes since.
  const BackendWeight& weight() const { return weight_; }
  const Chains& chains() const { return chains_; }  // see chains_of_ours()
  // Rules that reject or drop pods' packets, as the commands that make them; see refuses_all().
  const std::vector<std::string>& refusing() const { return refusing_; }

  // Writes one chain in one commit. The error is EOPNOTSUPP when this kernel lacks the back end:
  // one may read and yet not write. Any other (a lock, a rejected rule) must not make the agent
  // switch to the other back end.
  virtual Outcome write(const NetfilterChain::Key& key, const NetfilterChain& wanted) = 0;
  // Writes several chains of one family at once. On failure some may be written: call write() for
  // each change then, which is harmless.
  virtual Outcome write_together(const std::vector<const Change<NetfilterChain>*>& changes) = 0;
  virtual Outcome remove(const NetfilterChain::Key& key) = 0;  // succeeds when it is absent

 protected:
  NetfilterBackend() = default;

  BackendWeight weight_;
  Chains chains_;
  std::vector<std::string> refusing_;
};

// The back end of plain `iptables`, which links to the program of one (xtables-nft-multi,
// xtables-legacy-multi). A program with another name is an older one, which supports only the
// legacy tables; without any it is nftables.
std::string default_backend();

std::string tool(const std::string& backend, Family family);  // "iptables-nft", v6: "ip6tables-nft"

}  // namespace pellicle
