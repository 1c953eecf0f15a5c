// Converts Pellicle's rules from the text of iptables-save to expressions of nf_tables. Pure.
#pragma once

#include <string_view>

#include "agent/kernel/netlink_message.h"

namespace pellicle {

// Adds NFTA_RULE_EXPRESSIONS and NFTA_RULE_COMPAT to a message of NFT_MSG_NEWRULE. Returns false
// for a rule that is none of Pellicle's forms; the message is of no use then.
//
// The expressions are those that iptables-nft 1.8.7, 1.8.9 and 1.8.11 all read, which are not those
// that a newer one writes: 1.8.7 loses a mark that is compared without xt_mark, and a version
// before 1.8.6 takes the prefix of an address that is loaded in part for the whole address.
bool encode_nft_rule(NetlinkMessage& into, Family family, std::string_view rule);

inline constexpr size_t kRuleRoom = 4096;  // bytes that a message with any such rule needs at most

// True if "-j NAME" means a chain: not a verdict or a target, and one word.
bool names_chain(std::string_view name);

}  // namespace pellicle
