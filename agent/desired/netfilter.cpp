#include "agent/desired/local_view.h"

namespace pellicle {

// Two things that other people's rules must not do to our packets.
//
// raw: a marked packet goes through the stack twice, once inside and once outside of its tunnel.
// Were it tracked, it would be NATed on both.
//
// filter: because what goes out is not tracked and what comes back is, connection tracking finds
// the replies INVALID, and kube-proxy drops those in FORWARD; the kubelet's KUBE-FIREWALL drops
// packets with 0x8000, which the marks of key ids 8 to 15 have. (Both seen, 6.1.)
Table<NetfilterChain> netfilter_chains(const LocalView& view) {
  if (!view.netfilter) return {};
  Table<NetfilterChain> chains;
  const auto add = [&](const char* table, const std::string& parent,
                       std::vector<std::string> rules) {
    chains.emplace(
        NetfilterChain::Key{
            .family = view.router.family(), .table = table, .chain = "PELLICLE_" + parent},
        NetfilterChain{.parent = parent, .rules = std::move(rules)});
  };
  const std::vector<std::string> untracked = {"-m mark --mark 0xe00/0xf00 -j CT --notrack",
                                              "-m mark --mark 0xd00/0xf00 -j CT --notrack"};
  add("raw", "PREROUTING", untracked);
  add("raw", "OUTPUT", untracked);
  add("filter", "INPUT", {"-m mark --mark 0xd00/0xf00 -j ACCEPT"});
  add("filter", "FORWARD", {std::string("-o ") + kHostDevice + " -j ACCEPT", "-i lxc+ -j ACCEPT"});
  add("filter", "OUTPUT", {"-m mark --mark 0xe00/0xf00 -j ACCEPT"});
  return chains;
}

}  // namespace pellicle
