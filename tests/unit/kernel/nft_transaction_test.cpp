// What is sent to nf_tables to write chains.
#include "agent/kernel/nft_transaction.h"

#include <linux/netfilter/nf_tables.h>

#include <cerrno>

#include "agent/kernel/nft_wire.h"
#include "agent/kernel/os_error.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

const NetfilterChain::Key kForward{.table = "filter", .chain = "PELLICLE_FORWARD"};
const NetfilterChain::Key kInput{.table = "filter", .chain = "PELLICLE_INPUT"};

NetfilterChain accepting(const std::string& parent) {
  return {.parent = parent, .rules = {"-i lxc+ -j ACCEPT"}};
}

// "append rule in FORWARD: ..." for each message between the begin and the end.
std::vector<std::string> told(NftTransaction& transaction) {
  std::vector<std::string> lines;
  const auto messages = transaction.finish();
  for (size_t i = 1; i + 1 < messages.size(); ++i) {
    const auto& header = messages[i].get();
    std::string line;
    switch (header.nlmsg_type & 0xff) {
      case NFT_MSG_NEWRULE:
        line = header.nlmsg_flags & NLM_F_APPEND ? "append " : "insert ";
        line += Attributes(header, sizeof(nfgenmsg)).text(NFTA_RULE_CHAIN) + " ";
        break;
      case NFT_MSG_DELRULE:
      case NFT_MSG_DELCHAIN:
        line = "delete ";
        break;
      default:
        line = "make ";
    }
    lines.push_back(line + transaction.about(i));
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("nft transaction: what is missing is made, and the jump has its place") {
  NftTransaction transaction(Family::v4, {.generation = 7});
  transaction.write(kInput, accepting("INPUT"));
  transaction.write(kForward, accepting("FORWARD"));
  CHECK(told(transaction) ==
        Lines{"make table filter", "make chain INPUT", "make chain PELLICLE_INPUT",
              "append PELLICLE_INPUT rule `-i lxc+ -j ACCEPT`",
              "insert INPUT rule `-j PELLICLE_INPUT`", "make chain FORWARD",
              "make chain PELLICLE_FORWARD", "append PELLICLE_FORWARD rule `-i lxc+ -j ACCEPT`",
              "append FORWARD rule `-j PELLICLE_FORWARD`"});
}

TEST_CASE("nft transaction: a chain that is there is emptied, and every jump to it goes") {
  NftTables tables{.generation = 7};
  auto& chains = tables.tables["filter"].chains;
  chains["INPUT"] = {{.handle = 3, .text = "-j PELLICLE_INPUT"}, {.handle = 4, .text = "-j DROP"}};
  chains["THEIRS"] = {{.handle = 5, .text = "-m set ? -g PELLICLE_INPUT"}};
  chains["PELLICLE_INPUT"] = {{.handle = 6, .text = "?lookup"}};
  NftTransaction writing(Family::v4, tables);
  writing.write(kInput, accepting("INPUT"));
  CHECK(told(writing) == Lines{"delete rules of PELLICLE_INPUT",
                               "delete rule `-j PELLICLE_INPUT` of INPUT",
                               "delete rule `-m set ? -g PELLICLE_INPUT` of THEIRS",
                               "append PELLICLE_INPUT rule `-i lxc+ -j ACCEPT`",
                               "insert INPUT rule `-j PELLICLE_INPUT`"});
  NftTransaction removal(Family::v4, tables);
  removal.remove(kForward);
  CHECK(removal.empty());
  removal.remove(kInput);
  CHECK(told(removal) ==
        Lines{"delete rules of PELLICLE_INPUT", "delete rule `-j PELLICLE_INPUT` of INPUT",
              "delete rule `-m set ? -g PELLICLE_INPUT` of THEIRS", "delete chain PELLICLE_INPUT"});
}

TEST_CASE("nft transaction: it is for the generation that was read") {
  NftTransaction transaction(Family::v6, {.generation = 7});
  const auto messages = transaction.finish();
  const Attributes begin(messages.front().get(), sizeof(nfgenmsg));
  CHECK(be32(begin, NFNL_BATCH_GENID) == 7);
  CHECK(messages.front().get().nlmsg_type == NFNL_MSG_BATCH_BEGIN);
  CHECK(messages.back().get().nlmsg_type == NFNL_MSG_BATCH_END);
}

TEST_CASE("nft transaction: chains are hooked as iptables-nft hooks them") {
  const auto hook = [](const std::string& table, const std::string& chain) {
    const auto found = nft_hook(table, chain);
    if (!found) return std::string("none");
    return std::string(found->type) + " " + std::to_string(found->number) + " " +
           std::to_string(found->priority);
  };
  CHECK(hook("raw", "PREROUTING") == "filter 0 -300");
  CHECK(hook("raw", "FORWARD") == "none");
  CHECK(hook("mangle", "OUTPUT") == "route 3 -150");
  CHECK(hook("mangle", "POSTROUTING") == "filter 4 -150");
  CHECK(hook("filter", "FORWARD") == "filter 2 0");
  CHECK(hook("filter", "PREROUTING") == "none");
  CHECK(hook("nat", "PREROUTING") == "nat 0 -100");
  CHECK(hook("nat", "POSTROUTING") == "nat 4 100");
  CHECK(hook("nat", "INPUT") == "nat 1 100");
  CHECK(hook("filter", "PELLICLE_INPUT") == "none");
}

TEST_CASE("nft transaction: a rule that is none of our forms is named") {
  NftTransaction transaction(Family::v4, {.generation = 7});
  try {
    transaction.write(kInput, {.parent = "INPUT", .rules = {"-j LOG --log-prefix x"}});
    FAIL("nothing was thrown");
  } catch (const OsError& error) {
    CHECK(error.error() == EINVAL);
    CHECK(std::string(error.what()) ==
          "rule `-j LOG --log-prefix x`: expected one of the forms that Pellicle writes");
  }
}

}  // namespace this_file
