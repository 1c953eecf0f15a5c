// Kernels without netfilter tables. Agents run there with `netfilter = false`, and a case that
// needs tables itself is skipped.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "tests/harness/skip_case.h"

namespace pellicle {

// Neither ip_tables nor nf_tables' IPv4 family, as in Debian's User-Mode Linux 7.2. The kernels
// named here have one, so a probe that fails there is a fault and leaves nothing out. `run` sets
// the variable.
inline bool lacks_netfilter_tables() {
  static const bool lacking = [] {
    constexpr std::array kHaveTables = {"uml", "uml:bookworm", "uml:trixie", "stock"};
    const char* kernel = std::getenv("PELLICLE_GUEST_KERNEL");
    if (kernel == nullptr || std::ranges::count(kHaveTables, std::string(kernel)) > 0) return false;
    return std::system(
               "unshare --net sh -c 'iptables-legacy -t raw -S || iptables-nft -t raw -N PROBE' "
               ">/dev/null 2>&1") != 0;
  }();
  return lacking;
}

// For what a case does next; ends it as skipped where the kernel has no tables.
inline void need_netfilter_tables(const std::string& what) {
  if (lacks_netfilter_tables()) skip_case("this kernel has no netfilter tables, for: " + what);
}

// After a command that failed: ends the case as skipped if it is one of netfilter's tools and the
// kernel has no tables.
inline void judge_failed_command(const std::string& command) {
  for (const char* tool : {"iptables", "ip6tables", "nft "}) {
    if (command.find(tool) != command.npos) need_netfilter_tables(command);
  }
}

}  // namespace pellicle
