// One of the two sets of tools for a node's netfilter chains: iptables-legacy, or iptables-nft,
// which keeps them in nftables. Each set sees only the rules that were written with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/command.h"
#include "agent/kernel/netfilter_watch.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

// Reasons to keep Pellicle's chains in a back end, most important first; the greatest weight wins.
// The chains have to be beside kube-proxy's, because no rule of one back end overrides a drop in
// the other.
struct BackendWeight {
  bool kubernetes = false;  // kube-proxy or kubelet has chains here
  bool ours = false;        // Pellicle has chains here
  size_t rules = 0;
  bool is_default = false;  // plain `iptables` is this back end
  auto operator<=>(const BackendWeight&) const = default;
};

class NetfilterBackend {
 public:
  explicit NetfilterBackend(std::string name) : name_(std::move(name)) {}
  const std::string& name() const { return name_; }  // "iptables-legacy" or "iptables-nft"

  // Reads all tables of both families in the namespace of the calling thread; loads no table.
  // Returns false when the tools are missing or do not work in this kernel. Throws OsError when an
  // existing table cannot be read. Runs no tool when no program can have written since the last
  // look: the nftables generation is the same, or the lock of the legacy tables was not used. After
  // kTrust it reads anyway, because some programs write without the lock.
  bool look();
  static constexpr std::chrono::minutes kTrust{10};

  // Results of the last look(), updated by the writes since.
  const BackendWeight& weight() const { return weight_; }
  const Table<NetfilterChain>& chains() const { return chains_; }  // see chains_of_ours()
  // Rules that reject or drop pods' packets, as the commands that make them; see refuses_all().
  const std::vector<std::string>& refusing() const { return refusing_; }

  // Writes one chain in one commit. Returns the tool's messages; see lacks_kernel().
  CommandResult write(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  // Writes several chains of one family with one program run, each in its own commit. On failure
  // the commits before the failed one may be done; call write() for each change then, which is
  // harmless.
  CommandResult write_together(const std::vector<const Change<NetfilterChain>*>& changes);
  CommandResult remove(const NetfilterChain::Key& key);  // succeeds when it is absent

  // True when this kernel lacks the back end. A back end may read and yet not write: iptables-nft
  // 1.8.9 shows an empty table in a kernel without nf_tables' IPv4 family (User-Mode Linux 6.1) and
  // then fails with "TABLE_ADD failed (Operation not supported)"; iptables-legacy fails with "can't
  // initialize iptables table `raw'". Other failures (a lock, a rejected rule) must not make the
  // agent switch to the other back end.
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
  // Lines for iptables-restore that delete the jumps to each chain.
  std::map<NetfilterChain::Key, std::string> jumps_;
  std::optional<uint32_t> generation_;                           // of nftables, at the last look
  std::optional<NetfilterLockWatch> lock_;                       // of the legacy tables
  std::optional<std::chrono::steady_clock::time_point> looked_;  // when the tables were last read
};

// The tool's error messages, which may have several lines, as one line of at most 300 characters.
std::string said(const CommandResult& refusal);

}  // namespace pellicle
