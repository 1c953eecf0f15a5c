// Converts between values and the text of iptables-save and iptables-restore. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/objects.h"

namespace pellicle {

inline constexpr std::string_view kChainPrefix = "PELLICLE_";  // of all Pellicle's chains

// One table: its rules by chain, in order, without "-A CHAIN ".
using SavedTable = std::map<std::string, std::vector<std::string>>;

// True when the jump to the chain belongs at the end of its parent, where it overrides only the
// parent's policy. The jump to any other chain belongs at the start, before the rules from which
// the chain protects Pellicle's packets.
bool stands_last(std::string_view table, std::string_view chain);

// "-m mark --mark 0x1 -j CHAIN --x": does the rule go to `chain`?
bool jumps_to(std::string_view rule, std::string_view chain);
size_t count_jumps(const SavedTable& table, std::string_view chain);

// By table name. Skips counters, comments and lines that it cannot parse.
std::map<std::string, SavedTable> parse_save(std::string_view text);

// Pellicle's chains in one table. A chain without exactly one jump to it, at its place in the
// parent, has an empty `parent`, so that it differs from every wanted chain.
std::map<NetfilterChain::Key, NetfilterChain> chains_of_ours(const SavedTable& table, Family family,
                                                             const std::string& name);

// The rule in FORWARD of the filter table that rejects or drops every packet: "-j REJECT ...". It
// does so before PELLICLE_FORWARD, which comes last. nullopt: there is no such rule, or a rule
// ahead of it accepts packets by their addresses or devices, which may be the pods' packets. Of a
// rule with parts that decode_nft_rule() does not know, a part that may be about addresses counts
// as one.
std::optional<std::string> refuses_all(const SavedTable& filter);

// Lines for iptables-restore that delete every rule of the table that jumps to `chain`.
std::string deleted_jumps(const SavedTable& table, const std::string& chain);

// One transaction for iptables-restore --noflush. `old_jumps`: see deleted_jumps().
std::string restore_text(const NetfilterChain::Key& key, const NetfilterChain& wanted,
                         const std::string& old_jumps);
std::string removal_text(const NetfilterChain::Key& key, const std::string& old_jumps);

}  // namespace pellicle
