// Netfilter chains, written through Netfilter and read with iptables-save.
#include <sys/resource.h>

#include "agent/kernel/netfilter.h"
#include "agent/kernel/netfilter_save.h"
#include "agent/kernel/netfilter_watch.h"
#include "agent/kernel/os_error.h"
#include "tests/contract/netfilter_kernel.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"
#include "tests/harness/first_in_path.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

Change<NetfilterChain> notrack(const std::string& parent) {
  return {.key = {.table = "raw", .chain = "PELLICLE_" + parent},
          .value = {.parent = parent,
                    .rules = {"-m mark --mark 0xd00/0xf00 -j CT --notrack",
                              "-m mark --mark 0xe00/0xf00 -j CT --notrack"}}};
}

KernelState dumped(Netfilter& netfilter) {
  KernelState state;
  netfilter.dump(state);
  return state;
}

template <class Kind>
void remove(Netfilter& netfilter, Change<Kind> change) {
  change.action = Action::remove;
  netfilter.apply(change);
}

// The raw table as the back end in use shows it, without comments and counters.
std::string raw_table(const Netfilter& netfilter) {
  return shell(netfilter.backend() + "-save -t raw | sed '/^#/d;s/ \\[.*//'");
}

std::string iptables(const Netfilter& netfilter) {
  return netfilter.backend() + " -w -t raw ";
}

}  // namespace

TEST_CASE("netfilter: looking at a clean namespace makes no table") {
  FreshNamespace node;
  Netfilter netfilter;
  CHECK(dumped(netfilter) == KernelState{});
  CHECK(shell("cat /proc/net/ip_tables_names 2>/dev/null || true").empty());
}

TEST_CASE("netfilter: no tool is started to read what is not there, and none for nftables") {
  NamespaceWithTables node;
  const FirstInPath tools;
  const auto log = tools.folder() + "/log";
  for (const std::string name : {"iptables-legacy-save", "ip6tables-legacy-save",
                                 "iptables-nft-save", "ip6tables-nft-save"}) {
    tools.script(name, "echo " + name + " >> " + log + "\nexec /usr/sbin/" + name + " \"$@\"\n");
  }
  const auto started = [&] {
    Netfilter fresh;
    dumped(fresh);
    return shell("cat " + log + " 2>/dev/null; rm -f " + log);
  };
  CHECK(started().empty());
  shell("iptables-legacy -t raw -L -n");
  CHECK(started() == "iptables-legacy-save\n");
  const bool made = shell_status("ip6tables-nft -t raw -N SOMEBODYS") == 0;
  CHECK(made == has_nftables());
  CHECK(started() == "iptables-legacy-save\n");
}

TEST_CASE("netfilter: of several at once a refused one costs itself alone") {
  NamespaceWithTables node;
  Netfilter netfilter;
  std::vector<Change<NetfilterChain>> run = {notrack("PREROUTING"), notrack("OUTPUT"),
                                             notrack("PREROUTING"), notrack("OUTPUT")};
  run[2].key.family = run[3].key.family = Family::v6;
  CHECK(netfilter.apply(run) == std::vector<Outcome>(4));
  KernelState wanted;
  for (const auto& change : run) wanted.netfilter[change.key] = change.value;
  CHECK(dumped(netfilter) == wanted);

  for (auto& change : run) change.value.rules.pop_back();
  run[1].value.rules = {"-j NOWHERE"};
  const auto outcomes = netfilter.apply(run);
  CHECK(outcomes[0].ok());
  CHECK_THAT(outcomes[1].sentence, Contains("write netfilter chain PELLICLE_OUTPUT in table raw"));
  CHECK_THAT(outcomes[1].sentence, Contains("NOWHERE"));
  CHECK(outcomes[2].ok());
  CHECK(outcomes[3].ok());
  for (const size_t i : {0, 2, 3}) wanted.netfilter[run[i].key] = run[i].value;
  CHECK(dumped(netfilter) == wanted);

  for (auto& change : run) change.action = Action::remove;
  CHECK(netfilter.apply(run) == std::vector<Outcome>(4));
  CHECK(dumped(netfilter) == KernelState{});
}

TEST_CASE("netfilter: what is written is dumped, first in its parent, also by the next process") {
  NamespaceWithTables node;
  Netfilter netfilter;
  netfilter.apply(notrack("PREROUTING"));
  netfilter.apply(notrack("OUTPUT"));
  KernelState wanted;
  wanted.netfilter[notrack("PREROUTING").key] = notrack("PREROUTING").value;
  wanted.netfilter[notrack("OUTPUT").key] = notrack("OUTPUT").value;
  CHECK(dumped(netfilter) == wanted);
  Netfilter next;
  CHECK(dumped(next) == wanted);
  CHECK(next.backend() == netfilter.backend());
  const std::string table = raw_table(netfilter);
  CHECK_THAT(table, Contains("-A PREROUTING -j PELLICLE_PREROUTING\n"));
  CHECK_THAT(table, Contains("-A PELLICLE_OUTPUT -m mark --mark 0xd00/0xf00 -j CT --notrack\n"));
}

TEST_CASE("netfilter: a jump that is missing, doubled or not the first differs and is repaired") {
  NamespaceWithTables node;
  Netfilter netfilter;
  const auto chain = notrack("PREROUTING");
  netfilter.apply(chain);
  const std::string good = raw_table(netfilter);
  const std::string jump = "PREROUTING -j PELLICLE_PREROUTING";
  SECTION("missing") {
    shell(iptables(netfilter) + "-D " + jump);
  }
  SECTION("doubled") {
    shell(iptables(netfilter) + "-A " + jump);
  }
  SECTION("reached from elsewhere too") {
    shell(iptables(netfilter) + "-A OUTPUT -m mark --mark 0x1 -j PELLICLE_PREROUTING");
  }
  CHECK(dumped(netfilter).netfilter.at(chain.key).parent.empty());
  netfilter.apply(chain);
  CHECK(dumped(netfilter).netfilter.at(chain.key) == chain.value);
  CHECK(raw_table(netfilter) == good);
}

TEST_CASE("netfilter: a rule put before the jump is followed by our jump in first place") {
  NamespaceWithTables node;
  Netfilter netfilter;
  const auto chain = notrack("PREROUTING");
  netfilter.apply(chain);
  shell(iptables(netfilter) + "-I PREROUTING 1 -s 192.0.2.1 -j ACCEPT");
  CHECK(dumped(netfilter).netfilter.at(chain.key).parent.empty());
  netfilter.apply(chain);
  CHECK(dumped(netfilter).netfilter.at(chain.key) == chain.value);
  CHECK_THAT(raw_table(netfilter), Contains("-A PREROUTING -j PELLICLE_PREROUTING\n"
                                            "-A PREROUTING -s 192.0.2.1/32 -j ACCEPT\n"));
}

TEST_CASE("netfilter: changed rules differ and are replaced in place") {
  NamespaceWithTables node;
  Netfilter netfilter;
  auto chain = notrack("OUTPUT");
  netfilter.apply(chain);
  shell(iptables(netfilter) + "-A PELLICLE_OUTPUT -s 192.0.2.1 -j ACCEPT");
  CHECK(dumped(netfilter).netfilter.at(chain.key).rules.size() == 3);
  chain.action = Action::replace;
  netfilter.apply(chain);
  CHECK(dumped(netfilter).netfilter.at(chain.key) == chain.value);
}

TEST_CASE("netfilter: removing works twice and leaves the chains and rules of others") {
  NamespaceWithTables node;
  Netfilter netfilter;
  netfilter.apply(notrack("PREROUTING"));
  shell(iptables(netfilter) + "-N KUBE-SOMETHING");
  shell(iptables(netfilter) + "-A KUBE-SOMETHING -s 192.0.2.1 -j ACCEPT");
  shell(iptables(netfilter) + "-A PREROUTING -j KUBE-SOMETHING");
  remove(netfilter, notrack("PREROUTING"));
  remove(netfilter, notrack("PREROUTING"));
  remove(netfilter, notrack("OUTPUT"));
  CHECK(dumped(netfilter) == KernelState{});
  const std::string table = raw_table(netfilter);
  CHECK_THAT(table, !Contains("PELLICLE"));
  CHECK_THAT(table, Contains("-A PREROUTING -j KUBE-SOMETHING\n"
                             "-A KUBE-SOMETHING -s 192.0.2.1/32 -j ACCEPT\n"));
}

TEST_CASE("netfilter: the back end in which kube-proxy keeps its chains is the one taken") {
  NamespaceWithTables node;
  std::string backend = GENERATE("iptables-legacy", "iptables-nft");
  const bool works = shell_status(backend + " -t nat -N KUBE-SERVICES") == 0;
  if (backend == "iptables-nft" && !has_nftables()) {
    CHECK_FALSE(works);
    return;
  }
  REQUIRE(works);
  Netfilter netfilter;
  netfilter.apply(notrack("PREROUTING"));
  CHECK(netfilter.backend() == backend);
  CHECK_THAT(shell(backend + "-save -t raw"), Contains("PELLICLE_PREROUTING"));
  // The chains stay in their back end, whatever appears in the other one.
  const std::string other = backend == "iptables-nft" ? "iptables-legacy" : "iptables-nft";
  shell_status("for i in 1 2 3 4 5 6 7 8 9; do " + other + " -t nat -A OUTPUT -s 192.0.2.$i; done");
  Netfilter next;
  CHECK(dumped(next).netfilter.size() == 1);
  CHECK(next.backend() == backend);
}

TEST_CASE("netfilter: a rule that is refused is one sentence, and nothing is changed") {
  NamespaceWithTables node;
  Netfilter netfilter;
  netfilter.apply(notrack("PREROUTING"));
  const std::string before = raw_table(netfilter);
  auto bad = notrack("PREROUTING");
  bad.value.rules = {"-m mark --mark 0x1 -j NO_SUCH_CHAIN"};
  try {
    netfilter.apply(bad);
    FAIL("nothing was thrown");
  } catch (const OsError& error) {
    CHECK_THAT(error.what(), Contains("write netfilter chain PELLICLE_PREROUTING in table raw: ") &&
                                 Contains("NO_SUCH_CHAIN") && !Contains("\n"));
  }
  CHECK(raw_table(netfilter) == before);
}

TEST_CASE("netfilter: text that iptables-save prints is read as it is meant") {
  const auto tables = parse_save(
      "# Generated by iptables-save\n*raw\n:PREROUTING ACCEPT [12:900]\n:PELLICLE_X - [0:0]\n"
      "-A PREROUTING -j PELLICLE_X\n-A PELLICLE_X -m comment --comment \"a -j PELLICLE_X\" -j "
      "ACCEPT\n-A PELLICLE_X\nCOMMIT\n# Completed\n*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");
  REQUIRE(tables.size() == 2);
  CHECK(tables.at("raw").at("PREROUTING") == std::vector<std::string>{"-j PELLICLE_X"});
  CHECK(tables.at("raw").at("PELLICLE_X").size() == 2);
  CHECK(tables.at("nat").at("OUTPUT").empty());
  const auto chains = chains_of_ours(tables.at("raw"), Family::v4, "raw");
  REQUIRE(chains.size() == 1);
  CHECK(chains.begin()->second.parent == "PREROUTING");
}

TEST_CASE("netfilter: what nobody wrote is not read again, what somebody wrote is") {
  NamespaceWithTables node;
  Netfilter netfilter;
  netfilter.apply(notrack("PREROUTING"));
  const auto before = dumped(netfilter);  // consumes the notification of the agent's own write
  const auto tools = [] {
    rusage children{};
    getrusage(RUSAGE_CHILDREN, &children);
    return children.ru_minflt;
  };
  const auto faults = tools();
  CHECK(dumped(netfilter) == before);
  CHECK(tools() == faults);  // no process was started
  shell(iptables(netfilter) + "-D PREROUTING -j PELLICLE_PREROUTING");
  CHECK_FALSE(dumped(netfilter) == before);
}

TEST_CASE("netfilter: a write by anybody is heard, a look is not") {
  NamespaceWithTables node;
  NetfilterWatch watch;
  CHECK_FALSE(watch.changed());
  Netfilter netfilter;
  dumped(netfilter);
  CHECK_FALSE(watch.changed());
  netfilter.apply(notrack("PREROUTING"));
  CHECK(watch.changed());
  CHECK_FALSE(watch.changed());
  shell(iptables(netfilter) + "-I PREROUTING -s 192.0.2.1 -j ACCEPT");
  CHECK(watch.changed());
  CHECK_FALSE(NetfilterWatch("/nowhere/xtables.lock").changed());
}

}  // namespace this_file
