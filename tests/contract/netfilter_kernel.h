// What the cases about netfilter ask of the guest.
#pragma once

#include <cstdlib>
#include <string>

#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"
#include "tests/harness/netfilter_tables.h"

namespace pellicle::contract {

// Debian's stock kernel has nf_tables' IPv4 family, its User-Mode Linux kernels (6.1, 6.12) do not.
// A case that only probed for it would pass anywhere. The guest runner sets the variable.
inline bool has_nftables() {
  const char* kernel = std::getenv("PELLICLE_GUEST_KERNEL");
  return kernel && std::string(kernel) == "stock";
}

// True where a case that needs nf_tables has to be left out; then the output says so.
inline bool lacks_nftables() {
  if (!has_nftables()) WARN("excused: this kernel has no nf_tables for IPv4; the stock kernel has");
  return !has_nftables();
}

// A namespace for a case that needs tables of either back end; elsewhere the case is skipped.
class NamespaceWithTables : public FreshNamespace {
 public:
  NamespaceWithTables() { need_netfilter_tables("netfilter chains"); }
};

}  // namespace pellicle::contract
