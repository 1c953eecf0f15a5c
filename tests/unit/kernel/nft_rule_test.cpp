// Rules as text and as expressions of nf_tables.
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "agent/desired/desired.h"
#include "agent/kernel/nft_rule_decode.h"
#include "agent/kernel/nft_rule_encode.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/xt_extension.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;

namespace {

NetlinkMessage new_rule(Family family) {
  return nft_message(NFT_MSG_NEWRULE, 0, family, kRuleRoom);
}

std::string through_expressions(const std::string& rule, Family family = Family::v4) {
  auto message = new_rule(family);
  if (!encode_nft_rule(message, family, rule)) return "refused";
  return decode_nft_rule(message.get(), family);
}

// A rule of another program, built expression by expression.
class OtherRule {
 public:
  explicit OtherRule(Family family = Family::v4)
      : family_(family), message_(new_rule(family)), list_(nest(NFTA_RULE_EXPRESSIONS)) {}

  using Numbers = std::vector<std::pair<int, uint32_t>>;

  OtherRule& expression(const std::string& name, const Numbers& numbers, int data_attribute = 0,
                        const std::vector<uint8_t>& data = {}) {
    nlattr* element = nest(NFTA_LIST_ELEM);
    message_.put_text(NFTA_EXPR_NAME, name);
    nlattr* inside = nest(NFTA_EXPR_DATA);
    for (const auto& [attribute, number] : numbers) put_be32(message_, attribute, number);
    if (data_attribute != 0) {
      nlattr* value = nest(data_attribute);
      message_.put_bytes(NFTA_DATA_VALUE, data.data(), data.size());
      message_.end_nest(value);
    }
    message_.end_nest(inside);
    message_.end_nest(element);
    return *this;
  }
  OtherRule& meta(uint32_t key) {
    return expression("meta", {{NFTA_META_KEY, key}, {NFTA_META_DREG, 1}});
  }
  OtherRule& payload(uint32_t base, uint32_t offset, uint32_t size) {
    return expression("payload", {{NFTA_PAYLOAD_BASE, base},
                                  {NFTA_PAYLOAD_OFFSET, offset},
                                  {NFTA_PAYLOAD_LEN, size},
                                  {NFTA_PAYLOAD_DREG, 1}});
  }
  OtherRule& bits(const std::vector<uint8_t>& mask, uint32_t reg = 1) {
    return expression("bitwise", {{NFTA_BITWISE_SREG, reg}, {NFTA_BITWISE_DREG, reg}},
                      NFTA_BITWISE_MASK, mask);
  }
  OtherRule& equals(const std::vector<uint8_t>& data, uint32_t reg = 1) {
    return expression("cmp", {{NFTA_CMP_SREG, reg}, {NFTA_CMP_OP, NFT_CMP_EQ}}, NFTA_CMP_DATA,
                      data);
  }
  OtherRule& extension(const std::string& kind, const XtExtension& extension) {
    nlattr* element = nest(NFTA_LIST_ELEM);
    message_.put_text(NFTA_EXPR_NAME, kind);
    nlattr* inside = nest(NFTA_EXPR_DATA);
    message_.put_text(NFTA_MATCH_NAME, extension.name);
    put_be32(message_, NFTA_MATCH_REV, extension.revision);
    message_.put_bytes(NFTA_MATCH_INFO, extension.info.data(), extension.info.size());
    message_.end_nest(inside);
    message_.end_nest(element);
    return *this;
  }
  OtherRule& verdict(int32_t code, const std::string& chain = "") {
    nlattr* element = nest(NFTA_LIST_ELEM);
    message_.put_text(NFTA_EXPR_NAME, "immediate");
    nlattr* inside = nest(NFTA_EXPR_DATA);
    put_be32(message_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    nlattr* data = nest(NFTA_IMMEDIATE_DATA);
    nlattr* value = nest(NFTA_DATA_VERDICT);
    put_be32(message_, NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
    if (!chain.empty()) message_.put_text(NFTA_VERDICT_CHAIN, chain);
    for (nlattr* open : {value, data, inside, element}) message_.end_nest(open);
    return *this;
  }
  std::string text(const std::vector<uint8_t>& user_data = {}) {
    message_.end_nest(list_);
    if (!user_data.empty())
      message_.put_bytes(NFTA_RULE_USERDATA, user_data.data(), user_data.size());
    return decode_nft_rule(message_.get(), family_);
  }

 private:
  nlattr* nest(int attribute) { return message_.begin_nest(attribute); }

  Family family_;
  NetlinkMessage message_;
  nlattr* list_;
};

XtExtension mark_match() {
  RuleWords words("mark --mark 0xd00/0xf00");
  return *read_match(words);
}

constexpr uint32_t kNetwork = NFT_PAYLOAD_NETWORK_HEADER;

}  // namespace

TEST_CASE("nft rule: every rule that is wanted on a node comes back from its expressions") {
  size_t rules = 0;
  for (const bool host_encryption : {false, true}) {
    auto inputs = seed::worker();
    inputs.settings.netfilter = true;
    inputs.settings.host_encryption = host_encryption;
    for (const auto& [key, chain] : compute(inputs).state.netfilter) {
      for (const auto& rule : chain.rules) {
        CAPTURE(rule);
        CHECK(through_expressions(rule, key.family) == rule);
        ++rules;
      }
    }
  }
  CHECK(rules > 20);
}

TEST_CASE("nft rule: every form comes back, in both families") {
  for (const std::string rule :
       {"-j ACCEPT", "-j DROP", "-j RETURN", "-j PELLICLE_FORWARD", "-p esp -j CT --notrack",
        "-i lxc+ -j ACCEPT", "! -i lxc+ -o cilium_host -j DROP", "! -o cilium_+ -j MASQUERADE",
        "-m mark --mark 0x0 -j RETURN", "-m mark ! --mark 0x1/0x3 -j RETURN",
        "-m connmark --mark 0x200/0xb00 -j MARK --set-xmark 0x200/0xf00",
        "-m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x1000/0x1000",
        "-m conntrack ! --ctstate SNAT -j DROP",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-m conntrack --ctstate SNAT --ctdir ORIGINAL -j MARK --set-xmark 0x0/0x400",
        "-m policy --dir in --pol none -j MARK --set-xmark 0xffffffff/0xffffffff",
        "-j CONNMARK --save-mark --nfmask 0xb00 --ctmask 0xb00", "-i abcdefghijklmno -j DROP",
        ""}) {
    CAPTURE(rule);
    CHECK(through_expressions(rule, Family::v4) == rule);
    CHECK(through_expressions(rule, Family::v6) == rule);
  }
  for (const std::string rule :
       {"-s 10.0.1.0/24 ! -d 10.0.0.0/9 -j RETURN", "-s 10.0.1.7/32 -j RETURN",
        "! -s 128.0.0.0/1 -d 0.0.0.1/32 -p esp -j DROP",
        "-o cilium_host -j SNAT --to-source 10.0.1.138 --random-fully"}) {
    CHECK(through_expressions(rule, Family::v4) == rule);
  }
  for (const std::string rule :
       {"-s fd00:1::/64 ! -d fd00::/17 -j RETURN", "-s fd00:1::5/128 -p esp -j RETURN",
        "-j SNAT --to-source fd00::1 --random-fully"}) {
    CHECK(through_expressions(rule, Family::v6) == rule);
  }
}

TEST_CASE("nft rule: a text that is none of our forms is refused") {
  for (const std::string rule : {"-j",
                                 "-j SNAT",
                                 "-j SNAT --to-source fd00::1 --random-fully",
                                 "-j MARK --set-mark 0x1",
                                 "-j SNAT --to-source 10.0.0.1",
                                 "-s 10.0.1.1/24 -j DROP",
                                 "-s 0.0.0.0/0 -j DROP",
                                 "-s fd00::/8 -j DROP",
                                 "-i a+b -j DROP",
                                 "-i + -j DROP",
                                 "-i abcdefghijklmnop -j DROP",
                                 "-p tcp -j DROP",
                                 "! -p esp -j DROP",
                                 "-m limit --limit 5/min -j DROP",
                                 "-m mark --mark 1 -j DROP",
                                 "-m mark --mark 0x1/ -j DROP",
                                 "-m mark -j DROP",
                                 "-m conntrack --ctstate NEVER -j DROP",
                                 "-m conntrack --ctdir REPLY -j DROP",
                                 "-m policy --dir out --pol none -j DROP",
                                 "! -m mark --mark 0x1 -j DROP",
                                 "-m mark --mark 0x1 -m mark --mark 0x2 -j DROP",
                                 "-i a -i b -j DROP",
                                 "-j ACCEPT now",
                                 "-j CT --notrack --zone 1",
                                 "-j REJECT",
                                 "-g PELLICLE_FORWARD",
                                 "-f -j DROP"}) {
    CAPTURE(rule);
    CHECK(through_expressions(rule) == "refused");
  }
}

TEST_CASE("nft rule: what other versions of iptables-nft write for our rules is the same text") {
  const std::vector<uint8_t> mark{0, 0xd, 0, 0}, mask{0, 0xf, 0, 0};
  CHECK(OtherRule().meta(NFT_META_MARK).bits(mask).equals(mark).verdict(NF_ACCEPT).text() ==
        "-m mark --mark 0xd00/0xf00 -j ACCEPT");
  CHECK(OtherRule().meta(NFT_META_MARK).equals(mark).verdict(NF_DROP).text() ==
        "-m mark --mark 0xd00 -j DROP");
  CHECK(OtherRule().payload(kNetwork, 12, 3).equals({10, 0, 1}).text() == "-s 10.0.1.0/24");
  CHECK(OtherRule(Family::v6).payload(kNetwork, 24, 2).equals({0xfd, 0}).text() == "-d fd00::/16");
  CHECK(OtherRule().payload(kNetwork, 9, 1).equals({50}).text() == "-p esp");
  CHECK(OtherRule().meta(NFT_META_L4PROTO).equals({50}).text() == "-p esp");
  std::vector<uint8_t> device{'e', 't', 'h', '0'};
  device.resize(16);
  CHECK(OtherRule().meta(NFT_META_IIFNAME).equals(device).text() == "-i eth0");
  // The order of the options is that of iptables-save.
  CHECK(OtherRule()
            .meta(NFT_META_OIFNAME)
            .equals({'l', 'x', 'c'})
            .payload(kNetwork, 12, 1)
            .equals({10})
            .verdict(NFT_RETURN)
            .text() == "-s 10.0.0.0/8 -o lxc+ -j RETURN");
}

TEST_CASE("nft rule: what is not known shows as a question mark, the rest as it is") {
  CHECK(OtherRule().expression("lookup", {}).verdict(NF_ACCEPT).text() == "?lookup -j ACCEPT");
  CHECK(OtherRule().payload(kNetwork, 12, 4).expression("range", {}).verdict(NF_DROP).text() ==
        "?range -j DROP");
  CHECK(OtherRule().payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2).equals({0, 80}).text() ==
        "?transport");
  CHECK(OtherRule().expression("ct", {}).bits({1, 0, 0, 0}).equals({0, 0, 0, 0}).text() == "?ct");
  CHECK(OtherRule().payload(kNetwork, 12, 4).verdict(NF_DROP).text() == "?load -j DROP");
  CHECK(OtherRule().verdict(NFT_GOTO, "ELSEWHERE").text() == "-g ELSEWHERE");
  CHECK(OtherRule().verdict(NFT_JUMP, "ACCEPT").text() == "-j ? ACCEPT");
  CHECK(OtherRule().verdict(NFT_BREAK).text() == "?immediate");
  CHECK(OtherRule().verdict(NF_ACCEPT).verdict(NF_DROP).text() == "?immediate -j ACCEPT");
  auto old = mark_match();
  old.revision = 0;
  CHECK(OtherRule().extension("match", old).text() == "-m mark ?");
  auto shorter = mark_match();
  shorter.info.pop_back();
  CHECK(OtherRule().extension("match", shorter).text() == "-m mark ?");
  CHECK(OtherRule().extension("match", {.name = "set"}).verdict(NF_ACCEPT).text() ==
        "-m set ? -j ACCEPT");
  CHECK(OtherRule().extension("target", {.name = "TPROXY"}).text() == "-j TPROXY ?");
}

TEST_CASE("nft rule: a value that does not fit its option is not taken for another") {
  CHECK(OtherRule().payload(kNetwork, 12, 4).bits({255, 0, 255, 0}).equals({10, 0, 1, 0}).text() ==
        "?payload");
  CHECK(
      OtherRule().payload(kNetwork, 12, 4).bits({255, 255, 255, 0}).equals({10, 0, 1, 1}).text() ==
      "?payload");
  CHECK(OtherRule().payload(kNetwork, 12, 4).equals({10, 0, 1}).text() == "?payload");
  CHECK(OtherRule().payload(kNetwork, 12, 8).equals({10, 0, 1, 1, 10, 0, 1, 2}).text() ==
        "?payload");
  CHECK(OtherRule().payload(kNetwork, 12, 4).equals({10, 0, 1, 1}, 2).text() == "?cmp");
  CHECK(OtherRule().payload(kNetwork, 12, 4).bits({255, 0, 0, 0}, 2).equals({10, 0, 0, 0}).text() ==
        "?bitwise");
  CHECK(OtherRule().meta(NFT_META_IIFNAME).equals({'a', 0, 'b'}).text() == "?payload");
  CHECK(OtherRule().meta(NFT_META_IIFNAME).equals({'a', ' ', '-', 'j', 0}).text() == "?payload");
  CHECK(OtherRule().meta(NFT_META_IIFNAME).equals({}).text() == "?payload");
  CHECK(OtherRule().meta(NFT_META_MARK).equals({1}).text() == "?mark");
  CHECK(OtherRule().meta(NFT_META_L4PROTO).equals({50, 0}).text() == "?payload");
  CHECK(OtherRule()
            .payload(kNetwork, 12, 1)
            .equals({10})
            .payload(kNetwork, 12, 1)
            .equals({11})
            .text() == "-s 10.0.0.0/8 ?payload");
}

TEST_CASE("nft rule: a comment and what refuses are told as iptables-save tells them") {
  CHECK(OtherRule().verdict(NF_DROP).text({0, 5, 'w', 'a', 'l', 'l', 0}) ==
        "-m comment --comment wall -j DROP");
  CHECK(OtherRule().verdict(NF_DROP).text({7, 1, 9, 0, 4, 'a', ' ', '"', 0}) ==
        R"(-m comment --comment "a \"" -j DROP)");
  CHECK(OtherRule().verdict(NF_DROP).text({0, 200, 'w'}) == "-j DROP");
  const XtExtension reject{.name = "REJECT", .revision = 0, .info = {6, 0, 0, 0, 0, 0, 0, 0}};
  CHECK(OtherRule().extension("target", reject).text() ==
        "-j REJECT --reject-with icmp-host-prohibited");
  CHECK(OtherRule(Family::v6).extension("target", reject).text() ==
        "-j REJECT --reject-with tcp-reset");
}

}  // namespace this_file
