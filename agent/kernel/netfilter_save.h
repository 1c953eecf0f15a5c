// What iptables-save prints and iptables-restore reads, as values: pure text.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/objects.h"

namespace pellicle {

inline constexpr std::string_view kChainPrefix = "PELLICLE_";  // of every chain of ours

// One table: its rules by chain, in their order, without "-A CHAIN ".
using SavedTable = std::map<std::string, std::vector<std::string>>;

// The chain's jump belongs at the end of its parent, where only the parent's policy is overcome.
// Any other chain's belongs at the start, before the rules that it protects our packets from.
bool stands_last(std::string_view table, std::string_view chain);

// By table name. Counters, comments and what cannot be read are left out.
std::map<std::string, SavedTable> parse_save(std::string_view text);

// The chains of ours in one table. A chain that is not jumped to exactly once, and that from its
// place in the parent, has an empty `parent`, so that it differs from every wanted one.
std::map<NetfilterChain::Key, NetfilterChain> chains_of_ours(const SavedTable& table, Family family,
                                                             const std::string& name);

// The rule of the filter table's FORWARD that refuses every packet before our chain there, the last
// one, is asked: "-j REJECT ...". None: there is none, or a rule ahead of it accepts packets by
// their addresses or devices, perhaps the pods'.
std::optional<std::string> refuses_all(const SavedTable& filter);

// Lines for iptables-restore that delete every rule of the table that goes to `chain`.
std::string deleted_jumps(const SavedTable& table, const std::string& chain);

// One transaction for iptables-restore --noflush. `old_jumps`: see deleted_jumps().
std::string restore_text(const NetfilterChain::Key& key, const NetfilterChain& wanted,
                         const std::string& old_jumps);
std::string removal_text(const NetfilterChain::Key& key, const std::string& old_jumps);

}  // namespace pellicle
