#include "agent/desired/local_view.h"

namespace pellicle {

// A marked packet goes through the stack twice, once inside and once outside of its tunnel. Were it
// tracked, it would be NATed on both.
Table<NetfilterChain> netfilter_chains(const LocalView& view) {
  if (!view.netfilter) return {};
  const std::vector<std::string> rules = {"-m mark --mark 0xe00/0xf00 -j CT --notrack",
                                          "-m mark --mark 0xd00/0xf00 -j CT --notrack"};
  Table<NetfilterChain> table;
  for (const std::string parent : {"PREROUTING", "OUTPUT"}) {
    table.emplace(
        NetfilterChain::Key{
            .family = view.router.family(), .table = "raw", .chain = "PELLICLE_" + parent},
        NetfilterChain{.parent = parent, .rules = rules});
  }
  return table;
}

}  // namespace pellicle
