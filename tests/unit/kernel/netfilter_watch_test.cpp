#include "agent/kernel/netfilter_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "agent/kernel/netlink_message.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

NetlinkMessage announcement(int type, int name_attribute, const std::string& name) {
  NetlinkMessage message(NFNL_SUBSYS_NFTABLES << 8 | type, 0);
  message.header(nfgenmsg{.nfgen_family = 2, .version = NFNETLINK_V0, .res_id = 0});
  if (!name.empty()) message.put_text(name_attribute, name);
  return message;
}

bool rule_concerns(const std::string& chain) {
  const bool added = concerns_chains(announcement(NFT_MSG_NEWRULE, NFTA_RULE_CHAIN, chain).get());
  CHECK(concerns_chains(announcement(NFT_MSG_DELRULE, NFTA_RULE_CHAIN, chain).get()) == added);
  return added;
}

bool chain_concerns(const std::string& chain) {
  const bool added = concerns_chains(announcement(NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME, chain).get());
  CHECK(concerns_chains(announcement(NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, chain).get()) == added);
  return added;
}

}  // namespace

TEST_CASE("netfilter watch: where packets begin and chains of ours concern us, Services do not") {
  for (const char* chain : {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING",
                            "PELLICLE_FORWARD", "PELLICLE_POSTROUTING"}) {
    CAPTURE(chain);
    CHECK(rule_concerns(chain));
    CHECK(chain_concerns(chain));
  }
  for (const char* chain : {"KUBE-SVC-CU7F3MNN62CF4ANP", "KUBE-SERVICES", "FORWARDED", ""}) {
    CAPTURE(chain);
    CHECK_FALSE(rule_concerns(chain));
    CHECK_FALSE(chain_concerns(chain));
  }
  CHECK(concerns_chains(announcement(NFT_MSG_DELTABLE, NFTA_TABLE_NAME, "filter").get()));
  CHECK_FALSE(concerns_chains(announcement(NFT_MSG_NEWGEN, 0, "").get()));
  CHECK_FALSE(concerns_chains(announcement(NFT_MSG_NEWSETELEM, 1, "FORWARD").get()));
}

TEST_CASE("netfilter watch: another subsystem's message is none of nftables'") {
  NetlinkMessage other(NFNL_SUBSYS_CTNETLINK << 8 | NFT_MSG_NEWTABLE, 0);
  other.header(nfgenmsg{.nfgen_family = 2, .version = NFNETLINK_V0, .res_id = 0});
  CHECK_FALSE(concerns_chains(other.get()));
}

}  // namespace this_file
