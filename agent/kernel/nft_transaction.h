// The messages that write Pellicle's chains of one family in one transaction of nf_tables. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/kernel/netlink_message.h"
#include "agent/kernel/nft_tables.h"
#include "agent/model/objects.h"

namespace pellicle {

class NftTransaction {
 public:
  // `tables`: as they are. The kernel refuses the transaction with ERESTART if they have changed.
  NftTransaction(Family family, const NftTables& tables);

  // Replaces the chain's rules, removes the jumps to it and adds the one that is wanted. Makes what
  // is missing of table and parent, as iptables-nft does. Throws OsError (EINVAL) for a rule that
  // is none of Pellicle's forms.
  void write(const NetfilterChain::Key& key, const NetfilterChain& wanted);
  void remove(const NetfilterChain::Key& key);  // nothing when it is absent

  bool empty() const { return messages_.size() == 1; }
  std::span<NetlinkMessage> finish();                                         // adds the end
  const std::string& about(size_t message) const { return about_[message]; }  // "rule `-j DROP`"

 private:
  NetlinkMessage& add(int type, int flags, std::string about, size_t room = 1024);
  void add_rule(const std::string& table, const std::string& chain, const std::string& rule,
                int flags);
  void flush(const NetfilterChain::Key& key);
  void remove_jumps(const NetfilterChain::Key& key);
  void make_table(const std::string& table);
  void make_parent(const std::string& table, const std::string& chain);

  Family family_;
  NftTables tables_;  // and what this transaction makes
  std::vector<NetlinkMessage> messages_;
  std::vector<std::string> about_;
};

}  // namespace pellicle
