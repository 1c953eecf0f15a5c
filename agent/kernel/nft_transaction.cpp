#include "agent/kernel/nft_transaction.h"

#include <linux/netfilter/nf_tables.h>

#include <cerrno>
#include <utility>

#include "agent/kernel/nft_rule_encode.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

NetlinkMessage batch_message(int type) {
  NetlinkMessage message(type, 0);
  message.header(nfgenmsg{
      .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htobe16(NFNL_SUBSYS_NFTABLES)});
  return message;
}

}  // namespace

NftTransaction::NftTransaction(Family family, const NftTables& tables)
    : family_(family), tables_(tables) {
  messages_.push_back(batch_message(NFNL_MSG_BATCH_BEGIN));
  put_be32(messages_.back(), NFNL_BATCH_GENID, tables.generation);
  about_.emplace_back("transaction");
}

std::span<NetlinkMessage> NftTransaction::finish() {
  messages_.push_back(batch_message(NFNL_MSG_BATCH_END));
  about_.emplace_back("transaction");
  return messages_;
}

NetlinkMessage& NftTransaction::add(int type, int flags, std::string about, size_t room) {
  messages_.push_back(nft_message(type, flags, family_, room));
  about_.push_back(std::move(about));
  return messages_.back();
}

void NftTransaction::make_table(const std::string& table) {
  if (!tables_.tables.try_emplace(table).second) return;
  add(NFT_MSG_NEWTABLE, NLM_F_CREATE, "table " + table).put_text(NFTA_TABLE_NAME, table);
}

void NftTransaction::make_parent(const std::string& table, const std::string& chain) {
  if (!tables_.tables.at(table).chains.try_emplace(chain).second) return;
  const auto hook = nft_hook(table, chain);
  if (!hook) throw OsError(EINVAL, "chain " + chain + " is none of iptables' in table " + table);
  auto& message = add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "chain " + chain);
  message.put_text(NFTA_CHAIN_TABLE, table);
  message.put_text(NFTA_CHAIN_NAME, chain);
  nlattr* nest = message.begin_nest(NFTA_CHAIN_HOOK);
  put_be32(message, NFTA_HOOK_HOOKNUM, hook->number);
  put_be32(message, NFTA_HOOK_PRIORITY, static_cast<uint32_t>(hook->priority));
  message.end_nest(nest);
  put_be32(message, NFTA_CHAIN_POLICY, NF_ACCEPT);
  message.put_text(NFTA_CHAIN_TYPE, hook->type);
}

void NftTransaction::add_rule(const std::string& table, const std::string& chain,
                              const std::string& rule, int flags) {
  auto& message = add(NFT_MSG_NEWRULE, NLM_F_CREATE | flags, "rule `" + rule + "`", kRuleRoom);
  message.put_text(NFTA_RULE_TABLE, table);
  message.put_text(NFTA_RULE_CHAIN, chain);
  if (!encode_nft_rule(message, family_, rule))
    throw OsError(EINVAL, "rule `" + rule + "`: expected one of the forms that Pellicle writes");
}

// Not those in the chain itself, which is emptied.
void NftTransaction::remove_jumps(const NetfilterChain::Key& key) {
  for (auto& [chain, rules] : tables_.tables.at(key.table).chains) {
    if (chain == key.chain) continue;
    for (const NftRule& rule : rules) {
      if (!jumps_to(rule.text, key.chain)) continue;
      auto& message = add(NFT_MSG_DELRULE, 0, "rule `" + rule.text + "` of " + chain);
      message.put_text(NFTA_RULE_TABLE, key.table);
      message.put_text(NFTA_RULE_CHAIN, chain);
      message.put(NFTA_RULE_HANDLE, htobe64(rule.handle));
    }
    std::erase_if(rules, [&](const NftRule& rule) { return jumps_to(rule.text, key.chain); });
  }
}

void NftTransaction::flush(const NetfilterChain::Key& key) {
  auto& message = add(NFT_MSG_DELRULE, 0, "rules of " + key.chain);
  message.put_text(NFTA_RULE_TABLE, key.table);
  message.put_text(NFTA_RULE_CHAIN, key.chain);
}

void NftTransaction::write(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  make_table(key.table);
  make_parent(key.table, wanted.parent);
  const bool made = tables_.tables.at(key.table).chains.try_emplace(key.chain).second;
  if (made) {
    auto& chain = add(NFT_MSG_NEWCHAIN, NLM_F_CREATE, "chain " + key.chain);
    chain.put_text(NFTA_CHAIN_TABLE, key.table);
    chain.put_text(NFTA_CHAIN_NAME, key.chain);
  } else {
    flush(key);
  }
  remove_jumps(key);
  for (const auto& rule : wanted.rules) add_rule(key.table, key.chain, rule, NLM_F_APPEND);
  // Without NLM_F_APPEND a rule becomes the first.
  add_rule(key.table, wanted.parent, "-j " + key.chain,
           stands_last(key.table, key.chain) ? NLM_F_APPEND : 0);
}

void NftTransaction::remove(const NetfilterChain::Key& key) {
  const auto table = tables_.tables.find(key.table);
  if (table == tables_.tables.end() || !table->second.chains.contains(key.chain)) return;
  flush(key);
  remove_jumps(key);
  auto& chain = add(NFT_MSG_DELCHAIN, 0, "chain " + key.chain);
  chain.put_text(NFTA_CHAIN_TABLE, key.table);
  chain.put_text(NFTA_CHAIN_NAME, key.chain);
  table->second.chains.erase(key.chain);
}

}  // namespace pellicle
