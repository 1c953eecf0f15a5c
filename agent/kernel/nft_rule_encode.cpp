#include "agent/kernel/nft_rule_encode.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include <algorithm>
#include <array>
#include <set>

#include "agent/kernel/nft_wire.h"
#include "agent/kernel/xt_extension.h"

namespace pellicle {

namespace {

class Encoder {
 public:
  Encoder(NetlinkMessage& into, Family family, std::string_view rule)
      : message_(into), family_(family), words_(rule) {}

  bool rule() {
    nlattr* expressions = message_.begin_nest(NFTA_RULE_EXPRESSIONS);
    while (!words_.done() && words_.peek() != "-j") {
      if (!match()) return false;
    }
    counter();
    if (words_.take("-j") && !target()) return false;
    message_.end_nest(expressions);
    compat();
    return words_.done();
  }

 private:
  template <class Data>
  void expression(const char* name, const Data& data) {
    nlattr* element = message_.begin_nest(NFTA_LIST_ELEM);
    message_.put_text(NFTA_EXPR_NAME, name);
    nlattr* nest = message_.begin_nest(NFTA_EXPR_DATA);
    data();
    message_.end_nest(nest);
    message_.end_nest(element);
  }

  void value(int attribute, std::span<const uint8_t> bytes) {
    nlattr* nest = message_.begin_nest(attribute);
    message_.put_bytes(NFTA_DATA_VALUE, bytes.data(), bytes.size());
    message_.end_nest(nest);
  }

  void load(nft_meta_keys key) {
    expression("meta", [&] {
      put_be32(message_, NFTA_META_KEY, key);
      put_be32(message_, NFTA_META_DREG, NFT_REG_1);
    });
  }

  void load_header(size_t offset, size_t size) {
    expression("payload", [&] {
      put_be32(message_, NFTA_PAYLOAD_DREG, NFT_REG_1);
      put_be32(message_, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
      put_be32(message_, NFTA_PAYLOAD_OFFSET, static_cast<uint32_t>(offset));
      put_be32(message_, NFTA_PAYLOAD_LEN, static_cast<uint32_t>(size));
    });
  }

  void keep_bits(std::span<const uint8_t> mask) {
    const std::vector<uint8_t> none(mask.size());
    expression("bitwise", [&] {
      put_be32(message_, NFTA_BITWISE_SREG, NFT_REG_1);
      put_be32(message_, NFTA_BITWISE_DREG, NFT_REG_1);
      put_be32(message_, NFTA_BITWISE_LEN, static_cast<uint32_t>(mask.size()));
      value(NFTA_BITWISE_MASK, mask);
      value(NFTA_BITWISE_XOR, none);
    });
  }

  void compare(bool inverted, std::span<const uint8_t> bytes) {
    expression("cmp", [&] {
      put_be32(message_, NFTA_CMP_SREG, NFT_REG_1);
      put_be32(message_, NFTA_CMP_OP, inverted ? NFT_CMP_NEQ : NFT_CMP_EQ);
      value(NFTA_CMP_DATA, bytes);
    });
  }

  void counter() {
    expression("counter", [&] {
      message_.put(NFTA_COUNTER_BYTES, uint64_t{0});
      message_.put(NFTA_COUNTER_PACKETS, uint64_t{0});
    });
  }

  void extension(const char* kind, const XtExtension& extension) {
    expression(kind, [&] {  // NFTA_TARGET_* are the same numbers
      message_.put_text(NFTA_MATCH_NAME, extension.name);
      put_be32(message_, NFTA_MATCH_REV, extension.revision);
      message_.put_bytes(NFTA_MATCH_INFO, extension.info.data(), extension.info.size());
    });
  }

  // Each option at most once, so that a rule fits its message.
  bool match() {
    const bool inverted = words_.take("!");
    const auto option = words_.take();
    if (option == "-m") {
      const std::string name(words_.peek());
      const auto found = read_match(words_);
      if (!found || inverted || !seen_.insert(name).second) return false;
      extension("match", *found);
      return true;
    }
    if (!seen_.insert(std::string(option)).second) return false;
    if (option == "-s" || option == "-d") return address(option == "-s", inverted);
    if (option == "-i") return device(NFT_META_IIFNAME, inverted);
    if (option == "-o") return device(NFT_META_OIFNAME, inverted);
    return option == "-p" && !inverted && protocol();
  }

  bool address(bool source, bool inverted) {
    const auto network = Cidr::parse(words_.take());
    if (!network || network->family() != family_ || network->length() == 0) return false;
    const auto bytes = std::span(network->address().data(), network->address().size());
    load_header(address_offset(family_, source), bytes.size());
    if (network->length() < bytes.size() * 8) keep_bits(prefix_mask(family_, network->length()));
    compare(inverted, bytes);
    return true;
  }

  // With its final zero, or without for all names that begin so.
  bool device(nft_meta_keys key, bool inverted) {
    const std::string word(words_.take());
    const std::string name = word.substr(0, word.find('+'));
    if (name.empty() || name.size() >= kDeviceName || word.size() > name.size() + 1) return false;
    load(key);
    const auto* bytes = reinterpret_cast<const uint8_t*>(name.c_str());
    compare(inverted, {bytes, name.size() + (word == name ? 1 : 0)});
    return true;
  }

  bool protocol() {
    if (!words_.take("esp")) return false;
    protocol_ = IPPROTO_ESP;
    if (family_ == Family::v4)
      load_header(kProtocolOffset, 1);
    else
      load(NFT_META_L4PROTO);
    compare(false, {&protocol_, 1});
    return true;
  }

  bool target() {
    const auto name = words_.peek();
    if (const auto code = verdict_code(name)) {
      words_.take();
      verdict(*code, "");
      return true;
    }
    if (names_chain(name)) {
      verdict(NFT_JUMP, std::string(words_.take()));
      return true;
    }
    const auto found = read_target(words_, family_);
    if (found) extension("target", *found);
    return found.has_value();
  }

  void verdict(int32_t code, const std::string& chain) {
    expression("immediate", [&] {
      put_be32(message_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      nlattr* data = message_.begin_nest(NFTA_IMMEDIATE_DATA);
      nlattr* nest = message_.begin_nest(NFTA_DATA_VERDICT);
      put_be32(message_, NFTA_VERDICT_CODE, static_cast<uint32_t>(code));
      if (!chain.empty()) message_.put_text(NFTA_VERDICT_CHAIN, chain);
      message_.end_nest(nest);
      message_.end_nest(data);
    });
  }

  // For the matches and targets that are only for some protocol. iptables-nft adds it to any rule.
  void compat() {
    nlattr* nest = message_.begin_nest(NFTA_RULE_COMPAT);
    put_be32(message_, NFTA_RULE_COMPAT_PROTO, protocol_);
    put_be32(message_, NFTA_RULE_COMPAT_FLAGS, 0);
    message_.end_nest(nest);
  }

  NetlinkMessage& message_;
  Family family_;
  RuleWords words_;
  std::set<std::string> seen_;
  uint8_t protocol_ = 0;
};

}  // namespace

bool encode_nft_rule(NetlinkMessage& into, Family family, std::string_view rule) {
  return Encoder(into, family, rule).rule();
}

bool names_chain(std::string_view name) {
  static constexpr std::array kTargets = {"MARK", "CONNMARK", "CT", "SNAT", "MASQUERADE", "REJECT"};
  return !name.empty() && name.size() < NFT_CHAIN_MAXNAMELEN && !verdict_code(name) &&
         name.find_first_of(" ?\n\"") == std::string_view::npos &&
         std::find(kTargets.begin(), kTargets.end(), name) == kTargets.end();
}

}  // namespace pellicle
