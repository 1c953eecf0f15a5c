#include "agent/kernel/netfilter_nftables.h"

#include <linux/netfilter/nf_tables_compat.h>

#include <cerrno>

#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/netns.h"
#include "agent/kernel/nft_transaction.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// False when this kernel has no nft_compat, without which it cannot have our matches and targets.
bool has_compat(Family family) {
  NetlinkMessage question(NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET, 0);
  question.header(nfgenmsg{.nfgen_family = static_cast<uint8_t>(address_family(family)),
                           .version = NFNETLINK_V0,
                           .res_id = 0});
  question.put_text(NFTA_COMPAT_NAME, "mark");
  put_be32(question, NFTA_COMPAT_REV, 1);
  put_be32(question, NFTA_COMPAT_TYPE, 0);  // a match
  const int error = NetlinkSocket(NETLINK_NETFILTER).request(std::move(question)).error;
  return error != EINVAL && error != EOPNOTSUPP;  // nfnetlink's answers for an unknown subsystem
}

// EOPNOTSUPP: nf_tables without this family (User-Mode Linux 6.1), or no nf_tables.
Outcome sentence_of(const NetlinkSocket::Refusal& refusal, const NftTransaction& transaction,
                    Family family) {
  Outcome outcome = refusal.outcome;
  if (outcome.error == ENOENT && !has_compat(family)) {
    outcome = {.error = EOPNOTSUPP, .sentence = "this kernel lacks nft_compat"};
  }
  outcome.sentence = transaction.about(refusal.request) + ": " + outcome.sentence;
  return outcome;
}

}  // namespace

const NftTables& Nftables::known(Family family, uint32_t generation) {
  auto& tables = tables_[family];
  if (tables.generation != generation) tables = read_nft_tables(family);
  return tables;
}

bool Nftables::look() {
  const auto generation = nft_generation();
  if (!generation) return false;
  weight_ = {.is_default = default_backend() == name()};
  chains_.clear();
  refusing_.clear();
  for (const Family family : kFamilies) {
    const NftTables& all = known(family, *generation);
    weight_.kubernetes = weight_.kubernetes || all.kubernetes;
    weight_.ours = weight_.ours || all.ours;
    weight_.rules += all.uses;
    for (const auto& [table, chains] : all.tables) {
      const auto saved = chains.saved();
      chains_.merge(chains_of_ours(saved, family, table));
      const auto rule = table == "filter" ? refuses_all(saved) : std::nullopt;
      if (rule) refusing_.push_back(tool(name(), family) + " -A FORWARD " + *rule);
    }
  }
  return true;
}

void Nftables::count_rules() {
  weight_.rules = 0;
  for (const Family family : kFamilies) weight_.rules += count_nft_rules(family);
}

// A change by another program between reading and writing makes the kernel refuse the transaction.
template <class Build>
Outcome Nftables::commit(Family family, const Build& build) {
  constexpr int kAttempts = 10;
  try {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto generation = nft_generation();
      if (!generation) return {.error = EOPNOTSUPP, .sentence = "this kernel lacks nf_tables"};
      const NftTables& tables = known(family, *generation);
      NftTransaction transaction(family, tables);
      build(transaction);
      if (transaction.empty()) return {};
      const auto refusal = NetlinkSocket(NETLINK_NETFILTER).transaction(transaction.finish());
      if (!refusal) {
        committed(family, tables.generation);
        return {};
      }
      if (refusal->outcome.error != ERESTART) return sentence_of(*refusal, transaction, family);
    }
  } catch (const OsError& error) {
    return {.error = error.error(), .sentence = error.what()};
  }
  return {.error = EAGAIN, .sentence = "the tables change faster than they can be read"};
}

// A commit increments the generation, and changes nothing of the other family. The new rules'
// handles are not known.
void Nftables::committed(Family family, uint32_t generation) {
  for (auto& [other, tables] : tables_) {
    if (other != family && tables.generation == generation) tables.generation = generation + 1;
  }
  tables_.erase(family);
}

void Nftables::wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  chains_[key] = wanted;
  weight_.ours = true;
}

Outcome Nftables::write(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  Outcome outcome =
      commit(key.family, [&](NftTransaction& transaction) { transaction.write(key, wanted); });
  if (outcome.ok()) wrote(key, wanted);
  return outcome;
}

Outcome Nftables::write_together(const std::vector<const Change<NetfilterChain>*>& changes) {
  Outcome outcome = commit(changes.front()->key.family, [&](NftTransaction& transaction) {
    for (const auto* change : changes) transaction.write(change->key, change->value);
  });
  if (!outcome.ok()) return outcome;
  for (const auto* change : changes) wrote(change->key, change->value);
  return outcome;
}

Outcome Nftables::remove(const NetfilterChain::Key& key) {
  Outcome outcome =
      commit(key.family, [&](NftTransaction& transaction) { transaction.remove(key); });
  if (outcome.ok()) chains_.erase(key);
  return outcome;
}

Outcome try_nftables() {
  Outcome outcome;
  try {
    Netns::fresh().run([&] {
      outcome = Nftables().write({.table = "filter", .chain = "PELLICLE_INPUT"},
                                 {.parent = "INPUT", .rules = {}});
    });
  } catch (const OsError&) {  // no namespace is to be had
  }
  return outcome;
}

}  // namespace pellicle
