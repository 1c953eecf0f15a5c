#include "agent/kernel/nft_rule_decode.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/kernel/nft_rule_encode.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/xt_extension.h"

namespace pellicle {

namespace {

using Bytes = std::vector<uint8_t>;

Bytes data_of(const Attributes& expression, int attribute) {
  const auto bytes = Attributes(expression.raw(attribute)).bytes(NFTA_DATA_VALUE);
  return {bytes.begin(), bytes.end()};
}

bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

std::string protocol_name(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ESP:
      return "esp";
    case IPPROTO_ICMPV6:
      return "ipv6-icmp";
    default:
      return std::to_string(protocol);
  }
}

// The name with its final zero, or the beginning of names: "lxc+".
std::optional<std::string> device_name(std::span<const uint8_t> bytes) {
  const auto zero = std::find(bytes.begin(), bytes.end(), 0);
  std::string name(bytes.begin(), zero);
  if (name.empty() || !all_zero({zero, bytes.end()})) return std::nullopt;
  if (name.find_first_of(" ?+\n\"") != std::string::npos) return std::nullopt;
  return zero == bytes.end() ? name + "+" : name;
}

// `bytes` are the first of an address, all that is compared of it.
std::optional<std::string> network(Family family, Bytes bytes, Bytes mask) {
  const size_t size = IpAddress::any(family).size();
  if (bytes.empty() || bytes.size() > size) return std::nullopt;
  if (mask.empty()) mask.assign(bytes.size(), 0xff);
  bytes.resize(size);
  mask.resize(size);
  uint8_t length = 0;
  while (length < size * 8 && mask[length / 8] & 0x80 >> length % 8) ++length;
  const Cidr cidr(IpAddress(family, bytes.data()), length);
  if (length == 0 || mask != prefix_mask(family, length)) return std::nullopt;
  if (cidr.address() != IpAddress(family, bytes.data())) return std::nullopt;
  return cidr.to_string();
}

// The comment among a rule's user data, which are (type, size, bytes); nft and some versions of
// iptables-nft keep it there. Other user data change nothing.
std::optional<std::string> comment_in(std::span<const uint8_t> data) {
  constexpr uint8_t kComment = 0;
  while (data.size() >= 2 && data.size() - 2 >= data[1]) {
    const auto bytes = data.subspan(2, data[1]);
    if (data[0] == kComment)
      return std::string(bytes.begin(), std::find(bytes.begin(), bytes.end(), 0));
    data = data.subspan(2 + bytes.size());
  }
  return std::nullopt;
}

class Decoder {
 public:
  explicit Decoder(Family family) : family_(family) {}

  void expression(const nlattr* element) {
    const Attributes expression(element);
    const std::string name = expression.text(NFTA_EXPR_NAME);
    const Attributes data(expression.raw(NFTA_EXPR_DATA));
    if (name == "counter") return;
    if (!target_.empty()) return unknown(name);
    if (name == "meta") return load(meta_subject(data), be32(data, NFTA_META_DREG));
    if (name == "payload") return load(header_subject(data), be32(data, NFTA_PAYLOAD_DREG));
    if (name == "bitwise") return bitwise(data);
    if (name == "cmp") return compare(data);
    if (name == "match") {
      matches_.push_back(match_text(extension(data)));
    } else if (name == "target") {
      target_ = target_text(extension(data), family_);
    } else if (name == "immediate") {
      verdict(data);
    } else {
      unknown(name);
    }
  }

  // In the order of iptables-save.
  std::string text() {
    forget();
    std::string text;
    const auto add = [&](const std::string& part) {
      if (!part.empty()) text += (text.empty() ? "" : " ") + part;
    };
    for (const auto& part : parts_) add(part);
    for (const auto& match : matches_) add(match);
    add(target_);
    return text;
  }

  void comment(const std::string& text) {
    matches_.insert(matches_.begin(), "-m comment --comment " + quoted(text));
  }

  // What follows may be about its result.
  void unknown(const std::string& name) {
    loaded_ = Loaded{.subject = kUnknown};
    matches_.push_back("?" + name);
  }

 private:
  // The places of the rule's own options in its text.
  enum Part : uint8_t { source, destination, in_device, out_device, protocol, part_count };
  static constexpr std::array kOptions = {"-s ", "-d ", "-i ", "-o ", "-p "};

  static constexpr const char* kUnknown = "?";

  // What the register holds.
  struct Loaded {
    std::string subject;  // "mark", "-s ", ...; kUnknown: what the text already says is not known
    uint32_t reg = 0;
    uint32_t size = 0;  // of a header's bytes
    Bytes mask = {};
  };

  static Loaded meta_subject(const Attributes& data) {
    switch (be32(data, NFTA_META_KEY).value_or(UINT32_MAX)) {
      case NFT_META_MARK:
        return {.subject = "mark"};
      case NFT_META_IIFNAME:
        return {.subject = kOptions[in_device]};
      case NFT_META_OIFNAME:
        return {.subject = kOptions[out_device]};
      case NFT_META_L4PROTO:
        return {.subject = kOptions[protocol]};
      default:
        return {.subject = "?meta"};
    }
  }

  Loaded header_subject(const Attributes& data) const {
    const auto base = be32(data, NFTA_PAYLOAD_BASE);
    const auto offset = be32(data, NFTA_PAYLOAD_OFFSET);
    const uint32_t size = be32(data, NFTA_PAYLOAD_LEN).value_or(0);
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER) return {.subject = "?transport"};
    if (base != NFT_PAYLOAD_NETWORK_HEADER) return {.subject = "?payload"};
    if (offset == address_offset(family_, true)) return {.subject = "-s ", .size = size};
    if (offset == address_offset(family_, false)) return {.subject = "-d ", .size = size};
    if (family_ == Family::v4 && offset == kProtocolOffset && size == 1) return {.subject = "-p "};
    return {.subject = "?payload"};
  }

  static XtExtension extension(const Attributes& data) {
    const auto info = data.bytes(NFTA_MATCH_INFO);
    return {.name = data.text(NFTA_MATCH_NAME),
            .revision = be32(data, NFTA_MATCH_REV).value_or(UINT32_MAX),
            .info = {info.begin(), info.end()}};
  }

  // A value that was loaded and not compared.
  void forget() {
    if (loaded_ && loaded_->subject != kUnknown) unknown("load");
  }

  void load(Loaded subject, std::optional<uint32_t> reg) {
    forget();
    if (subject.subject.starts_with(kUnknown)) return unknown(subject.subject.substr(1));
    subject.reg = reg.value_or(0);
    loaded_ = std::move(subject);
  }

  void bitwise(const Attributes& data) {
    if (loaded_ && loaded_->subject == kUnknown) return;
    const Bytes mask = data_of(data, NFTA_BITWISE_MASK);
    const bool masks = be32(data, NFTA_BITWISE_OP).value_or(NFT_BITWISE_BOOL) == NFT_BITWISE_BOOL &&
                       all_zero(data_of(data, NFTA_BITWISE_XOR));
    if (!loaded_ || !loaded_->mask.empty() || mask.empty() || !masks ||
        be32(data, NFTA_BITWISE_SREG) != loaded_->reg ||
        be32(data, NFTA_BITWISE_DREG) != loaded_->reg) {
      return unknown("bitwise");
    }
    loaded_->mask = mask;
  }

  void compare(const Attributes& data) {
    const auto loaded = std::exchange(loaded_, std::nullopt);
    if (loaded && loaded->subject == kUnknown) return;
    const auto operation = be32(data, NFTA_CMP_OP);
    const bool known = operation == NFT_CMP_EQ || operation == NFT_CMP_NEQ;
    const Bytes bytes = data_of(data, NFTA_CMP_DATA);
    if (!loaded || !known || be32(data, NFTA_CMP_SREG) != loaded->reg ||
        (!loaded->mask.empty() && loaded->mask.size() != bytes.size())) {
      return unknown("cmp");
    }
    const std::string inverted = operation == NFT_CMP_NEQ ? "! " : "";
    if (loaded->subject == "mark") return mark(inverted, bytes, loaded->mask);
    part(inverted, *loaded, bytes);
  }

  // As iptables-nft 1.8.8 and later compare a mark.
  void mark(const std::string& inverted, const Bytes& bytes, const Bytes& mask) {
    MaskedMark mark;
    if (bytes.size() != sizeof mark.value) return unknown("mark");
    std::memcpy(&mark.value, bytes.data(), sizeof mark.value);
    if (!mask.empty()) std::memcpy(&mark.mask, mask.data(), sizeof mark.mask);
    matches_.push_back("-m mark " + inverted + "--mark " + masked(mark));
  }

  void part(const std::string& inverted, const Loaded& loaded, const Bytes& bytes) {
    const auto* option = std::find(kOptions.begin(), kOptions.end(), loaded.subject);
    const auto place = static_cast<size_t>(option - kOptions.begin());
    std::optional<std::string> value;
    if (place <= destination) {
      if (bytes.size() == loaded.size) value = network(family_, bytes, loaded.mask);
    } else if (!loaded.mask.empty()) {
      return unknown("bitwise");
    } else if (place < protocol) {
      value = device_name(bytes);
    } else if (bytes.size() == 1) {
      value = protocol_name(bytes[0]);
    }
    if (!value || !parts_.at(place).empty()) return unknown("payload");
    parts_.at(place) = inverted + loaded.subject + *value;
  }

  void verdict(const Attributes& data) {
    const Attributes verdict(Attributes(data.raw(NFTA_IMMEDIATE_DATA)).raw(NFTA_DATA_VERDICT));
    const auto code = be32(verdict, NFTA_VERDICT_CODE);
    if (be32(data, NFTA_IMMEDIATE_DREG) != NFT_REG_VERDICT || !code) return unknown("immediate");
    for (const char* name : {"ACCEPT", "DROP", "RETURN"}) {
      if (static_cast<int32_t>(*code) == verdict_code(name)) target_ = std::string("-j ") + name;
    }
    if (!target_.empty()) return;
    const bool jump = static_cast<int32_t>(*code) == NFT_JUMP;
    if (!jump && static_cast<int32_t>(*code) != NFT_GOTO) return unknown("immediate");
    const std::string chain = verdict.text(NFTA_VERDICT_CHAIN);
    target_ = (jump ? "-j " : "-g ") + (names_chain(chain) ? "" : std::string("? ")) + chain;
  }

  Family family_;
  std::optional<Loaded> loaded_;
  std::array<std::string, part_count> parts_;
  std::vector<std::string> matches_;
  std::string target_;
};

}  // namespace

std::string decode_nft_rule(const nlmsghdr& message, Family family) {
  Decoder decoder(family);
  const Attributes rule(message, sizeof(nfgenmsg));
  const nlattr* list = rule.raw(NFTA_RULE_EXPRESSIONS);
  if (list) {
    int left = nla_len(list);
    const auto* element = static_cast<const nlattr*>(nla_data(list));
    for (; nla_ok(element, left); element = nla_next(element, &left)) decoder.expression(element);
  }
  if (const auto comment = comment_in(rule.bytes(NFTA_RULE_USERDATA))) decoder.comment(*comment);
  return decoder.text();
}

}  // namespace pellicle
