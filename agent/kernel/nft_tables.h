// Reads the chains that iptables-nft keeps in nf_tables, as far as Pellicle needs them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/netfilter_save.h"
#include "agent/model/ip.h"

namespace pellicle {

struct NftRule {
  uint64_t handle = 0;  // for its removal
  std::string text;     // see decode_nft_rule()
};

// Of one table: the chains that packets enter by, Pellicle's own, and any other that jumps to
// these.
struct NftTable {
  std::map<std::string, std::vector<NftRule>> chains;
  SavedTable saved() const;
};

// All of one family, as it was at one generation.
struct NftTables {
  uint32_t generation = 0;
  std::map<std::string, NftTable> tables;  // "filter"; those that exist
  bool kubernetes = false;                 // see BackendWeight
  bool ours = false;
  // Uses of chains: their rules, and once more each rule that jumps. Counting rules alone needs a
  // dump of all of them, see count_nft_rules().
  size_t uses = 0;
};

// The generation of nf_tables in the thread's namespace, which every change increments. nullopt:
// this kernel has no nf_tables.
std::optional<uint32_t> nft_generation();

// The cost does not depend on other programs' rules, except those of FORWARD and of the parents of
// Pellicle's chains, but a little on the number of other chains. Repeats until nothing changes
// meanwhile. Throws OsError.
NftTables read_nft_tables(Family family);

size_t count_nft_rules(Family family);  // of all programs, in iptables' tables

// The chains that packets enter by, as iptables-nft makes them.
struct NftHook {
  uint32_t number = 0;
  int32_t priority = 0;
  const char* type = "filter";
};
// nullopt: iptables has no such chain in this table.
std::optional<NftHook> nft_hook(const std::string& table, const std::string& chain);

}  // namespace pellicle
