// One of the two sets of tools that keep a node's netfilter chains: iptables-legacy, or
// iptables-nft, which keeps them in nftables. Other people's xtables rules are seen by the tools
// that wrote them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/netfilter_command.h"
#include "agent/kernel/netfilter_watch.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// What speaks for keeping our chains here; the greatest wins. Beside kube-proxy's they have to be,
// because no rule of one back end overrides a drop in the other.
struct BackendWeight {
  bool kubernetes = false;  // kube-proxy or the kubelet has chains here
  bool ours = false;
  size_t rules = 0;
  bool is_default = false;  // plain `iptables` is this one
  auto operator<=>(const BackendWeight&) const = default;
};

class NetfilterBackend {
 public:
  explicit NetfilterBackend(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }  // "iptables-legacy" or "iptables-nft"

  // Reads everything, of both families, in the namespace of the calling thread; loads no table.
  // False when these tools are not there or do not work in this kernel. Throws OsError when a table
  // that exists cannot be read. Runs no tool when nobody can have written since the last look: the
  // generation of nftables is the same, or the lock of the legacy tables was not used. Every
  // `kTrust` it does all the same, for those who write without the lock.
  bool look();
  static constexpr std::chrono::minutes kTrust{10};

  // What the last look saw, and what was written since.
  const BackendWeight& weight() const { return weight_; }
  const Table<NetfilterChain>& chains() const { return chains_; }  // ours; see chains_of_ours()
  // Commands that made a rule which refuses pods' packets; see refuses_all().
  const std::vector<std::string>& refusing() const { return refusing_; }

  // One commit. What the tool said; see lacks_kernel().
  CommandResult write(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  // Several of one family with one program, each in a commit of its own. When one is refused those
  // before it may have been written: write() each again then, which is harmless.
  CommandResult write_together(const std::vector<const Change<NetfilterChain>*>& changes);
  CommandResult remove(const NetfilterChain::Key& key);  // nothing when it is not there

  // A back end may read and yet not write: iptables-nft 1.8.9 shows an empty table in a kernel
  // without nf_tables' IPv4 family (User-Mode Linux 6.1) and then says "TABLE_ADD failed (Operation
  // not supported)"; iptables-legacy says "can't initialize iptables table `raw'". Any other
  // failure (a lock, a rule that is refused) must not send us to the other back end.
  static bool lacks_kernel(const CommandResult& refusal);

 private:
  bool read(Family family);
  CommandResult missing_restore() const;
  void wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  template <class Input>
  CommandResult restore(const NetfilterChain::Key& key, const Input& input);

  std::string name_;
  BackendWeight weight_;
  Table<NetfilterChain> chains_;
  std::vector<std::string> refusing_;
  std::map<NetfilterChain::Key, std::string> jumps_;  // to each, as iptables-restore deletes them
  std::optional<uint32_t> generation_;                // of nftables, when it was looked at
  std::optional<NetfilterLockWatch> lock_;            // of the legacy tables, since a first look
  std::optional<std::chrono::steady_clock::time_point> looked_;  // as of then, all is as read
};

// The tools' messages, which run over several lines and repeat themselves, as one line.
std::string said(const CommandResult& refusal);

}  // namespace pellicle
