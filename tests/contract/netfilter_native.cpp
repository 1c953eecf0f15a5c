// The chains that Pellicle writes with netlink, beside what iptables-nft writes and shows. All but
// the last case need nf_tables' IPv4 family.
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "agent/kernel/command.h"
#include "agent/kernel/netfilter.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/nft_rule_decode.h"
#include "agent/kernel/nft_transaction.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/rule_words.h"
#include "tests/contract/netfilter_kernel.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

using Chains = Table<NetfilterChain>;

void add(Chains& chains, Family family, const std::string& table, const std::string& parent,
         std::vector<std::string> rules) {
  chains[{.family = family, .table = table, .chain = "PELLICLE_" + parent}] = {
      .parent = parent, .rules = std::move(rules)};
}

// Every form of a rule, in every table, for one family.
Chains all_forms(Family family) {
  const bool v4 = family == Family::v4;
  const std::string pods = v4 ? "-s 10.0.1.0/24" : "-s fd00:1::/64";
  const std::string elsewhere = v4 ? " ! -d 10.0.0.0/9" : " ! -d fd00::/17";
  const std::string snat =
      std::string(" -j SNAT --to-source ") + (v4 ? "10.0.1.138" : "fd00:1::8a") + " --random-fully";
  Chains chains;
  add(chains, family, "raw", "PREROUTING",
      {"-p esp -m mark --mark 0xd00/0xf00 -j CT --notrack", "-i cilium_net -j CT --notrack"});
  add(chains, family, "raw", "OUTPUT", {"-p esp -m mark --mark 0xe00/0xf00 -j CT --notrack"});
  add(chains, family, "mangle", "PREROUTING",
      {"-m mark --mark 0x0 -m policy --dir in --pol none -m connmark --mark 0x0/0x1000 -m "
       "conntrack "
       "--ctstate SNAT --ctdir ORIGINAL -j MARK --set-xmark 0x400/0x400",
       pods + " -i lxc+ -m mark --mark 0x0/0xf00 -j MARK --set-xmark 0x100/0xf00",
       "-m mark --mark 0x200/0xf00 -j CONNMARK --save-mark --nfmask 0xb00 --ctmask 0xb00"});
  add(chains, family, "mangle", "OUTPUT",
      {"-m connmark --mark 0x200/0xb00 -j MARK --set-xmark 0x200/0xf00"});
  add(chains, family, "mangle", "FORWARD",
      {"-m mark --mark 0xe00/0xf00 -j MARK --set-xmark 0x0/0xf000"});
  add(chains, family, "mangle", "POSTROUTING",
      {pods + " -m mark --mark 0x400/0xc00 -m conntrack ! --ctstate SNAT -j DROP",
       pods + elsewhere +
           " -o cilium_host -m conntrack --ctstate NEW -j CONNMARK --set-xmark "
           "0x1000/0x1000"});
  add(chains, family, "filter", "INPUT", {"-m mark --mark 0xd00/0xf00 -j ACCEPT"});
  add(chains, family, "filter", "FORWARD",
      {"-o cilium_host -j ACCEPT", pods + " -i lxc+ -j ACCEPT"});
  add(chains, family, "nat", "POSTROUTING",
      {"-o cilium_host -m mark --mark 0x4000/0x4800" + snat,
       pods + (v4 ? " -d 10.0.0.0/8" : " -d fd00::/16") + " -j RETURN",
       pods + elsewhere + " -o cilium_host" + snat, pods + " ! -o cilium_+ -j MASQUERADE",
       (v4 ? "-s 10.0.1.7/32" : "-s fd00:1::7/128") + std::string(" -j MASQUERADE")});
  return chains;
}

Chains all_forms() {
  Chains chains = all_forms(Family::v4);
  chains.merge(all_forms(Family::v6));
  return chains;
}

void write(Nftables& nftables, const Chains& chains) {
  for (const Family family : kFamilies) {
    std::vector<Change<NetfilterChain>> changes;
    std::vector<const Change<NetfilterChain>*> together;
    for (const auto& [key, chain] : chains)
      if (key.family == family) changes.push_back({.key = key, .value = chain});
    together.reserve(changes.size());
    for (const auto& change : changes) together.push_back(&change);
    const Outcome outcome = nftables.write_together(together);
    INFO(outcome.sentence);
    REQUIRE(outcome.ok());
  }
}

void write_by_tool(const Chains& chains) {
  for (const Family family : kFamilies) {
    std::string text;
    for (const auto& [key, chain] : chains)
      if (key.family == family) text += restore_text(key, chain, "");
    const auto restore = find_executable(tool("iptables-nft", family) + "-restore");
    REQUIRE(restore);
    const auto result = run_command({*restore, "--noflush"}, text);
    INFO(result.errors);
    REQUIRE(result.status == 0);
  }
}

// What the tool shows, without its head line, which has the time.
std::string saved() {
  return shell("for i in iptables ip6tables; do $i-nft-save | sed '/^#/d' | sort; done");
}

std::string hex_of(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += prefixed_hex(byte) + " ";
  return text;
}

// The chains as the kernel has them, without their handles.
std::vector<std::string> raw_chains() {
  std::vector<std::string> lines;
  for (const Family family : kFamilies) {
    auto some = NetlinkSocket(NETLINK_NETFILTER)
                    .dump(nft_message(NFT_MSG_GETCHAIN, 0, family), [](const nlmsghdr& message) {
                      const Attributes chain(message, sizeof(nfgenmsg));
                      std::string line;
                      for (const int attribute :
                           {NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY,
                            NFTA_CHAIN_TYPE, NFTA_CHAIN_FLAGS, NFTA_CHAIN_USE})
                        line += hex_of(chain.bytes(attribute)) + "| ";
                      return std::optional(line);
                    });
    lines.insert(lines.end(), some.begin(), some.end());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// One expression as the kernel has it; "" for those that versions of the tool write differently:
// what is compared of a packet, and the mark. Their meaning is compared as text.
std::string raw_expression(const nlattr* element) {
  const Attributes expression(element);
  const auto name = expression.text(NFTA_EXPR_NAME);
  const Attributes data(expression.raw(NFTA_EXPR_DATA));
  for (const char* compared : {"meta", "payload", "bitwise", "cmp"})
    if (name == compared) return "";
  if (name == "match" && data.text(NFTA_MATCH_NAME) == "mark") return "";
  return "\n  " + name + " " + hex_of(expression.bytes(NFTA_EXPR_DATA));
}

std::vector<std::string> raw_rules() {
  std::vector<std::string> lines;
  for (const Family family : kFamilies) {
    auto some = NetlinkSocket(NETLINK_NETFILTER)
                    .dump(nft_message(NFT_MSG_GETRULE, 0, family), [&](const nlmsghdr& message) {
                      const Attributes rule(message, sizeof(nfgenmsg));
                      std::string line = rule.text(NFTA_RULE_TABLE) + " " +
                                         rule.text(NFTA_RULE_CHAIN) + ": " +
                                         decode_nft_rule(message, family);
                      const nlattr* list = rule.raw(NFTA_RULE_EXPRESSIONS);
                      int left = nla_len(list);
                      const auto* element = static_cast<const nlattr*>(nla_data(list));
                      for (; nla_ok(element, left); element = nla_next(element, &left))
                        line += raw_expression(element);
                      return std::optional(line);
                    });
    lines.insert(lines.end(), some.begin(), some.end());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

TEST_CASE("netfilter native: tool and netlink write the same, and each reads the other's") {
  if (lacks_nftables()) return;
  const auto wanted = all_forms();
  std::string saved_native, saved_tool;
  std::vector<std::string> chains, rules;
  {
    FreshNamespace node;
    Nftables nftables;
    write(nftables, wanted);
    REQUIRE(nftables.look());
    CHECK(nftables.chains() == wanted);
    saved_native = saved();
    chains = raw_chains();
    rules = raw_rules();
  }
  FreshNamespace node;
  write_by_tool(wanted);
  saved_tool = saved();
  CHECK(saved_native == saved_tool);
  CHECK(raw_chains() == chains);
  CHECK(raw_rules() == rules);
  Nftables nftables;
  REQUIRE(nftables.look());
  CHECK(nftables.chains() == wanted);
  for (const auto& [key, chain] : wanted)
    for (const auto& rule : chain.rules) CHECK_THAT(saved_tool, Contains(rule + "\n"));
}

TEST_CASE("netfilter native: no program of iptables is needed") {
  if (lacks_nftables()) return;
  const auto wanted = all_forms();
  std::string backend;
  Chains found;
  bool hidden = false;
  // A mount namespace of its own, in which the programs cannot be executed.
  std::thread([&] {
    unshare(CLONE_NEWNET | CLONE_NEWNS);
    mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    for (const char* program : {"/usr/sbin/xtables-nft-multi", "/usr/sbin/xtables-legacy-multi"})
      mount("/dev/null", program, nullptr, MS_BIND, nullptr);
    hidden = !find_executable("iptables") && !find_executable("iptables-nft-save");
    Netfilter netfilter;
    std::vector<Change<NetfilterChain>> run;
    for (const auto& [key, chain] : wanted) run.push_back({.key = key, .value = chain});
    netfilter.apply(run);
    KernelState state;
    netfilter.dump(state);
    found = state.netfilter;
    backend = netfilter.backend();
  }).join();
  CHECK(hidden);
  CHECK(backend == "iptables-nft");
  CHECK(found == wanted);
}

TEST_CASE("netfilter native: a write for an older generation is refused and changes nothing") {
  if (lacks_nftables()) return;
  FreshNamespace node;
  Nftables nftables;
  const auto wanted = all_forms();
  write(nftables, wanted);
  const auto before = read_nft_tables(Family::v4);
  const NetfilterChain::Key key{.table = "filter", .chain = "PELLICLE_INPUT"};
  shell("iptables-nft -I INPUT -s 192.0.2.1 -j ACCEPT");
  NftTransaction late(Family::v4, before);
  late.write(key, {.parent = "INPUT", .rules = {"-j DROP"}});
  const auto refusal = NetlinkSocket(NETLINK_NETFILTER).transaction(late.finish());
  REQUIRE(refusal);
  CHECK(refusal->outcome.error == ERESTART);
  CHECK_THAT(saved(), !Contains("-A PELLICLE_INPUT -j DROP"));
  // The back end reads again and has its jump first.
  CHECK(nftables.write(key, wanted.at(key)).ok());
  CHECK_THAT(shell("iptables-nft -S INPUT"),
             Contains("-A INPUT -j PELLICLE_INPUT\n-A INPUT -s 192.0.2.1/32 -j ACCEPT\n"));
}

TEST_CASE("netfilter native: none of many writers' changes is lost") {
  if (lacks_nftables()) return;
  FreshNamespace node;
  Nftables nftables;
  const auto wanted = all_forms();
  write(nftables, wanted);
  const Netns here = Netns::of_this_thread();
  int failed = 0;
  std::jthread other([&] {
    here.run([&] {
      for (int i = 1; i <= 20; ++i) {
        const auto rule = "iptables-nft -A INPUT -s 192.0.2." + std::to_string(i) + " -j ACCEPT";
        failed += std::system(rule.c_str()) == 0 ? 0 : 1;
      }
    });
  });
  for (int i = 0; i < 40; ++i) {
    const Outcome outcome = nftables.write(wanted.begin()->first, wanted.begin()->second);
    INFO(outcome.sentence);
    CHECK(outcome.ok());
  }
  other.join();
  CHECK(failed == 0);
  CHECK(shell("iptables-nft -S INPUT | grep -c 192.0.2") == "20\n");
  REQUIRE(nftables.look());
  CHECK(nftables.chains() == wanted);
}

TEST_CASE("netfilter native: other programs' rules are judged as their text would be") {
  if (lacks_nftables()) return;
  FreshNamespace node;
  shell("iptables-nft -N SOMEBODYS; iptables-nft -A FORWARD -j SOMEBODYS");
  shell("iptables-nft -A FORWARD -p tcp --dport 80 -j ACCEPT");
  shell("iptables-nft -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
  shell("iptables-nft -A FORWARD -m comment --comment 'the wall' -j REJECT");
  Nftables nftables;
  REQUIRE(nftables.look());
  CHECK(nftables.refusing() ==
        std::vector<std::string>{"iptables-nft -A FORWARD -m comment --comment \"the wall\" -j "
                                 "REJECT --reject-with icmp-port-unreachable"});
  CHECK(nftables.weight().rules >= 4);
  nftables.count_rules();
  CHECK(nftables.weight().rules == 4);
  CHECK_FALSE(nftables.weight().kubernetes);
  shell("iptables-nft -I FORWARD -i eth1 -j ACCEPT; iptables-nft -t nat -N KUBE-SERVICES");
  REQUIRE(nftables.look());
  CHECK(nftables.refusing().empty());
  CHECK(nftables.weight().kubernetes);
}

TEST_CASE("netfilter native: a kernel without nf_tables' IPv4 family is told from other failures") {
  FreshNamespace node;
  Nftables nftables;
  const NetfilterChain::Key key{.table = "filter", .chain = "PELLICLE_INPUT"};
  if (nftables.look()) CHECK(nftables.chains().empty());
  CHECK(try_nftables().error == (has_nftables() ? 0 : EOPNOTSUPP));
  CHECK(saved().empty());
  CHECK(nftables.write(key, {.parent = "INPUT", .rules = {"-j ACCEPT"}}).error ==
        (has_nftables() ? 0 : EOPNOTSUPP));
  if (lacks_nftables()) return;
  const Outcome refused = nftables.write(key, {.parent = "INPUT", .rules = {"-j NOWHERE"}});
  CHECK(refused.error == ENOENT);
  CHECK_THAT(refused.sentence, Contains("rule `-j NOWHERE`: "));
}

}  // namespace this_file
