// Converts rules of nf_tables to the text of iptables-save. Pure.
#pragma once

#include <string>

#include "agent/kernel/netlink_message.h"

namespace pellicle {

// The text of a rule in a message of NFT_MSG_NEWRULE, written by iptables-nft of any version, by
// nft or by Pellicle. Every form of Pellicle's rules is the text that it is written from. What is
// not known stands as "?" with the name of the expression ("?lookup"), or "-m NAME ?": so the rule
// differs from every wanted one, and still shows its known parts; see refuses_all().
std::string decode_nft_rule(const nlmsghdr& message, Family family);

}  // namespace pellicle
