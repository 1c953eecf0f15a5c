#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter_ipv4/ipt_REJECT.h>
#include <linux/netfilter_ipv6/ip6t_REJECT.h>

#include <array>

#include "agent/kernel/xt_extension.h"

namespace pellicle {

namespace {

std::optional<XtExtension> read_mark_target(RuleWords& words) {
  if (!words.take("--set-xmark")) return std::nullopt;
  const auto mark = parse_mark(words.take());
  if (!mark) return std::nullopt;
  const xt_mark_tginfo2 info{.mark = mark->value, .mask = mark->mask};
  return XtExtension{.name = "MARK", .revision = 2, .info = info_bytes(info)};
}

std::string mark_target_options(const XtExtension& target) {
  const auto info = info_of<xt_mark_tginfo2>(target);
  return info ? "--set-xmark " + prefixed_hex(info->mark) + "/" + prefixed_hex(info->mask) : "";
}

std::optional<XtExtension> read_connmark_target(RuleWords& words) {
  xt_connmark_tginfo2 info{};
  if (words.take("--set-xmark")) {
    const auto mark = parse_mark(words.take());
    if (!mark) return std::nullopt;
    info.ctmark = mark->value;
    info.ctmask = mark->mask;
    info.nfmask = UINT32_MAX;
    info.mode = XT_CONNMARK_SET;
  } else {
    if (!words.take("--save-mark") || !words.take("--nfmask")) return std::nullopt;
    const auto nfmask = parse_hex(words.take());
    if (!words.take("--ctmask")) return std::nullopt;
    const auto ctmask = parse_hex(words.take());
    if (!nfmask || !ctmask) return std::nullopt;
    info.ctmask = *ctmask;
    info.nfmask = *nfmask;
    info.mode = XT_CONNMARK_SAVE;
  }
  return XtExtension{.name = "CONNMARK", .revision = 2, .info = info_bytes(info)};
}

std::string connmark_text(const XtExtension& target) {
  const auto info = info_of<xt_connmark_tginfo2>(target);
  if (!info) return {};
  if (info->mode == XT_CONNMARK_SET)
    return "--set-xmark " + prefixed_hex(info->ctmark) + "/" + prefixed_hex(info->ctmask);
  return "--save-mark --nfmask " + prefixed_hex(info->nfmask) + " --ctmask " +
         prefixed_hex(info->ctmask);
}

std::optional<XtExtension> read_ct(RuleWords& words) {
  if (!words.take("--notrack")) return std::nullopt;
  xt_ct_target_info_v1 info{};
  info.flags = XT_CT_NOTRACK;
  return XtExtension{.name = "CT", .revision = 2, .info = info_bytes(info)};
}

// iptables has a struct of its own for IPv4's NAT, and IPv6 an older revision of SNAT than DNAT.
XtExtension nat(const char* name, Family family, const std::optional<IpAddress>& source) {
  const unsigned flags = source ? NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_RANDOM_FULLY : 0;
  if (family == Family::v4) {
    nf_nat_ipv4_multi_range_compat info{};
    info.rangesize = 1;
    info.range[0].flags = flags;
    if (source) info.range[0].min_ip = info.range[0].max_ip = source->v4_network_order();
    return {.name = name, .revision = 0, .info = info_bytes(info)};
  }
  nf_nat_range info{};
  info.flags = flags;
  if (source) {
    std::memcpy(&info.min_addr, source->data(), source->size());
    info.max_addr = info.min_addr;
  }
  return {.name = name, .revision = source ? 1U : 0U, .info = info_bytes(info)};
}

std::optional<XtExtension> read_snat(RuleWords& words, Family family) {
  if (!words.take("--to-source")) return std::nullopt;
  const auto source = IpAddress::parse(words.take());
  if (!source || source->family() != family || !words.take("--random-fully")) return std::nullopt;
  return nat("SNAT", family, *source);
}

std::string snat_text(const XtExtension& target, Family family) {
  std::optional<IpAddress> source;
  if (const auto v4 = info_of<nf_nat_ipv4_multi_range_compat>(target); v4 && family == Family::v4)
    source = IpAddress::v4(be32toh(v4->range[0].min_ip));
  if (const auto v6 = info_of<nf_nat_range>(target); v6 && family == Family::v6)
    source.emplace(family, reinterpret_cast<const uint8_t*>(&v6->min_addr));
  return source ? "--to-source " + source->to_string() + " --random-fully" : "";
}

// Pellicle writes no REJECT, but names those of others; see refuses_all().
std::string reject_text(const XtExtension& target, Family family) {
  static constexpr std::array kV4 = {"icmp-net-unreachable",
                                     "icmp-host-unreachable",
                                     "icmp-proto-unreachable",
                                     "icmp-port-unreachable",
                                     "?",
                                     "icmp-net-prohibited",
                                     "icmp-host-prohibited",
                                     "tcp-reset",
                                     "icmp-admin-prohibited"};
  static constexpr std::array kV6 = {"icmp6-no-route",
                                     "icmp6-adm-prohibited",
                                     "?",
                                     "icmp6-addr-unreachable",
                                     "icmp6-port-unreachable",
                                     "?",
                                     "tcp-reset",
                                     "icmp6-policy-fail",
                                     "icmp6-reject-route"};
  static_assert(kV4.size() == IPT_ICMP_ADMIN_PROHIBITED + 1);
  static_assert(kV6.size() == IP6T_ICMP6_REJECT_ROUTE + 1);
  const auto& names = family == Family::v4 ? kV4 : kV6;
  const auto with = info_of<uint32_t>(target);
  return with && *with < names.size() ? std::string("--reject-with ") + names.at(*with) : "?";
}

std::string target_options(const XtExtension& target, Family family) {
  if (target.name == "MARK") return mark_target_options(target);
  if (target.name == "CONNMARK") return connmark_text(target);
  if (target.name == "CT") return "--notrack";
  if (target.name == "SNAT") return snat_text(target, family);
  return {};
}

}  // namespace

std::optional<XtExtension> read_target(RuleWords& words, Family family) {
  const auto name = words.take();
  if (name == "MARK") return read_mark_target(words);
  if (name == "CONNMARK") return read_connmark_target(words);
  if (name == "CT") return read_ct(words);
  if (name == "SNAT") return read_snat(words, family);
  if (name == "MASQUERADE") return nat("MASQUERADE", family, std::nullopt);
  return std::nullopt;
}

std::string target_text(const XtExtension& target, Family family) {
  if (target.name == "REJECT") return "-j REJECT " + reject_text(target, family);
  const std::string options = target_options(target, family);
  const std::string text = target.name + (options.empty() ? "" : " " + options);
  RuleWords words(text);
  if (read_target(words, family) == target && words.done()) return "-j " + text;
  return "-j " + target.name + " ?";
}

}  // namespace pellicle
