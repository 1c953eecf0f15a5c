// nftables: the chains that iptables-nft shows, read and written with netlink. No program is
// needed.
#pragma once

#include <map>
#include <optional>

#include "agent/kernel/netfilter_backend.h"
#include "agent/kernel/nft_tables.h"

namespace pellicle {

class Nftables : public NetfilterBackend {
 public:
  const char* name() const override { return "iptables-nft"; }

  bool look() override;  // reads when the generation of nftables is another one
  void count_rules() override;

  Outcome write(const NetfilterChain::Key& key, const NetfilterChain& wanted) override;
  Outcome write_together(const std::vector<const Change<NetfilterChain>*>& changes) override;
  Outcome remove(const NetfilterChain::Key& key) override;

 private:
  const NftTables& known(Family family, uint32_t generation);
  template <class Build>
  Outcome commit(Family family, const Build& build);
  void committed(Family family, uint32_t generation);
  void wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted);

  std::map<Family, NftTables> tables_;
};

// Whether this kernel takes chains for IPv4: it may have nf_tables without, and tells only when one
// is written. So one is, in a network namespace that exists for that long. EOPNOTSUPP: it does not.
// Success also when it cannot be tried.
Outcome try_nftables();

}  // namespace pellicle
