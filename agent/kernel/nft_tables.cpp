#include "agent/kernel/nft_tables.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/nft_rule_decode.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// iptables' tables; Pellicle has no chains in the last.
constexpr std::array kIptablesTables = {"filter", "nat", "raw", "mangle", "security"};

bool is_iptables(const std::string& table) {
  return std::find(kIptablesTables.begin(), kIptablesTables.end(), table) != kIptablesTables.end();
}

struct FoundChain {
  std::string table;
  std::string name;
  uint32_t use = 0;
};

std::vector<std::string> dump_tables(NetlinkSocket& socket, Family family) {
  return socket.dump(nft_message(NFT_MSG_GETTABLE, 0, family), [](const nlmsghdr& message) {
    const auto name = Attributes(message, sizeof(nfgenmsg)).text(NFTA_TABLE_NAME);
    return is_iptables(name) ? std::optional(name) : std::nullopt;
  });
}

std::vector<FoundChain> dump_chains(NetlinkSocket& socket, Family family) {
  return socket.dump(nft_message(NFT_MSG_GETCHAIN, 0, family), [](const nlmsghdr& message) {
    const Attributes chain(message, sizeof(nfgenmsg));
    auto table = chain.text(NFTA_CHAIN_TABLE);
    if (!is_iptables(table)) return std::optional<FoundChain>();
    return std::optional(FoundChain{.table = std::move(table),
                                    .name = chain.text(NFTA_CHAIN_NAME),
                                    .use = be32(chain, NFTA_CHAIN_USE).value_or(0)});
  });
}

// Without `chain`: of all chains of the table.
NetlinkMessage rule_dump(Family family, const std::string& table, const std::string& chain) {
  auto message = nft_message(NFT_MSG_GETRULE, 0, family);
  message.put_text(NFTA_RULE_TABLE, table);
  if (!chain.empty()) message.put_text(NFTA_RULE_CHAIN, chain);
  return message;
}

void read_rules(NetlinkSocket& socket, Family family, const std::string& name,
                const std::string& chain, NftTable& into) {
  auto rules = socket.dump(rule_dump(family, name, chain), [&](const nlmsghdr& message) {
    const Attributes rule(message, sizeof(nfgenmsg));
    const auto handle = be64toh(rule.value<uint64_t>(NFTA_RULE_HANDLE).value_or(0));
    return std::optional(
        std::pair(rule.text(NFTA_RULE_CHAIN),
                  NftRule{.handle = handle, .text = decode_nft_rule(message, family)}));
  });
  for (auto& [of, rule] : rules) into.chains[of].push_back(std::move(rule));
}

// True if a chain of ours is used more often than by its rules and the jumps that were read.
bool others_jump(const std::vector<FoundChain>& chains, const std::string& name,
                 const NftTable& table) {
  const auto saved = table.saved();
  return std::any_of(chains.begin(), chains.end(), [&](const FoundChain& chain) {
    if (chain.table != name || !chain.name.starts_with(kChainPrefix)) return false;
    return chain.use > saved.at(chain.name).size() + count_jumps(saved, chain.name);
  });
}

void read_table(NetlinkSocket& socket, Family family, const std::vector<FoundChain>& chains,
                const std::string& name, NftTable& into) {
  bool ours = false;
  for (const FoundChain& chain : chains) {
    if (chain.table != name) continue;
    into.chains[chain.name];
    ours = ours || chain.name.starts_with(kChainPrefix);
  }
  for (auto& [chain, rules] : into.chains) {
    if (ours || (name == "filter" && chain == "FORWARD"))
      read_rules(socket, family, name, chain, into);
  }
  if (!ours || !others_jump(chains, name, into)) return;
  for (auto& [chain, rules] : into.chains) rules.clear();
  read_rules(socket, family, name, "", into);
}

NftTables read_once(NetlinkSocket& socket, Family family) {
  NftTables all;
  auto chains = dump_chains(socket, family);
  for (const FoundChain& chain : chains) {
    all.kubernetes = all.kubernetes || chain.name.starts_with("KUBE-");
    all.ours = all.ours || chain.name.starts_with(kChainPrefix);
    all.uses += chain.use;
  }
  std::erase_if(chains, [](const FoundChain& chain) {
    return !chain.name.starts_with(kChainPrefix) && !nft_hook(chain.table, chain.name);
  });
  for (const auto& name : dump_tables(socket, family)) {
    read_table(socket, family, chains, name, all.tables[name]);
  }
  return all;
}

}  // namespace

SavedTable NftTable::saved() const {
  SavedTable table;
  for (const auto& [name, rules] : chains) {
    auto& texts = table[name];
    for (const auto& rule : rules) texts.push_back(rule.text);
  }
  return table;
}

std::optional<uint32_t> nft_generation() {
  std::optional<uint32_t> generation;
  try {
    NetlinkSocket(NETLINK_NETFILTER)
        .request(nft_message(NFT_MSG_GETGEN, 0, std::nullopt), [&](size_t, const nlmsghdr& answer) {
          generation = be32(Attributes(answer, sizeof(nfgenmsg)), NFTA_GEN_ID);
        });
  } catch (const OsError&) {  // no netfilter netlink in this kernel
  }
  return generation;
}

NftTables read_nft_tables(Family family) {
  constexpr int kAttempts = 10;
  NetlinkSocket socket(NETLINK_NETFILTER);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto before = nft_generation();
    NftTables all = read_once(socket, family);
    if (!before || nft_generation() != before) continue;
    all.generation = *before;
    return all;
  }
  throw OsError(EAGAIN, "read the tables of nf_tables: they change faster than they can be read");
}

size_t count_nft_rules(Family family) {
  NetlinkSocket socket(NETLINK_NETFILTER);
  size_t count = 0;
  for (const auto& table : dump_tables(socket, family)) {
    const auto one = [](const nlmsghdr&) { return std::optional(true); };
    count += socket.dump(rule_dump(family, table, ""), one).size();
  }
  return count;
}

std::optional<NftHook> nft_hook(const std::string& table, const std::string& chain) {
  static constexpr std::array kChains = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"};
  static_assert(NF_INET_PRE_ROUTING == 0 && NF_INET_POST_ROUTING == kChains.size() - 1);
  const auto* known = std::find(kChains.begin(), kChains.end(), chain);
  if (known == kChains.end()) return std::nullopt;
  NftHook hook{.number = static_cast<uint32_t>(known - kChains.begin())};
  const bool begins = hook.number == NF_INET_PRE_ROUTING || hook.number == NF_INET_LOCAL_OUT;
  const bool filters = hook.number >= NF_INET_LOCAL_IN && hook.number <= NF_INET_LOCAL_OUT;
  if (table == "raw" && begins) {
    hook.priority = NF_IP_PRI_RAW;
  } else if (table == "mangle") {
    hook.priority = NF_IP_PRI_MANGLE;
    if (hook.number == NF_INET_LOCAL_OUT) hook.type = "route";
  } else if (table == "filter" && filters) {
    hook.priority = NF_IP_PRI_FILTER;
  } else if (table == "security" && filters) {
    hook.priority = NF_IP_PRI_SECURITY;
  } else if (table == "nat" && hook.number != NF_INET_FORWARD) {
    hook.priority = begins ? NF_IP_PRI_NAT_DST : NF_IP_PRI_NAT_SRC;
    hook.type = "nat";
  } else {
    return std::nullopt;
  }
  return hook;
}

}  // namespace pellicle
