#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_policy.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/kernel/xt_extension.h"

namespace pellicle {

namespace {

// In the order in which iptables-save prints them.
constexpr std::array<std::pair<std::string_view, uint16_t>, 7> kStates = {{
    {"INVALID", XT_CONNTRACK_STATE_INVALID},
    {"NEW", XT_CONNTRACK_STATE_BIT(IP_CT_NEW)},
    {"RELATED", XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)},
    {"ESTABLISHED", XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)},
    {"UNTRACKED", XT_CONNTRACK_STATE_UNTRACKED},
    {"SNAT", XT_CONNTRACK_STATE_SNAT},
    {"DNAT", XT_CONNTRACK_STATE_DNAT},
}};

// The structs of the matches "mark" and "connmark" are alike.
template <class Info>
std::optional<XtExtension> read_mark_match(const char* name, RuleWords& words) {
  const bool inverted = words.take("!");
  if (!words.take("--mark")) return std::nullopt;
  const auto mark = parse_mark(words.take());
  if (!mark) return std::nullopt;
  Info info{};
  info.mark = mark->value;
  info.mask = mark->mask;
  info.invert = inverted;
  return XtExtension{.name = name, .revision = 1, .info = info_bytes(info)};
}

template <class Info>
std::string mark_options(const XtExtension& match) {
  const auto info = info_of<Info>(match);
  if (!info) return {};
  return std::string(info->invert ? "! " : "") + "--mark " +
         masked({.value = info->mark, .mask = info->mask});
}

std::optional<uint16_t> read_states(std::string_view list) {
  uint16_t states = 0;
  while (!list.empty()) {
    const auto word = list.substr(0, list.find(','));
    list.remove_prefix(std::min(word.size() + 1, list.size()));
    const auto* state = std::find_if(kStates.begin(), kStates.end(),
                                     [&](const auto& known) { return known.first == word; });
    if (state == kStates.end()) return std::nullopt;
    states |= state->second;
  }
  return states == 0 ? std::nullopt : std::optional(states);
}

std::optional<XtExtension> read_conntrack(RuleWords& words) {
  xt_conntrack_mtinfo3 info{};
  const bool inverted = words.take("!");
  if (!words.take("--ctstate")) return std::nullopt;
  const auto states = read_states(words.take());
  if (!states) return std::nullopt;
  info.match_flags = XT_CONNTRACK_STATE;
  info.invert_flags = inverted ? XT_CONNTRACK_STATE : 0;
  info.state_mask = *states;
  if (words.take("--ctdir")) {
    if (!words.take("ORIGINAL")) return std::nullopt;
    info.match_flags |= XT_CONNTRACK_DIRECTION;
  }
  return XtExtension{.name = "conntrack", .revision = 3, .info = info_bytes(info)};
}

std::string conntrack_text(const XtExtension& match) {
  const auto info = info_of<xt_conntrack_mtinfo3>(match);
  if (!info) return {};
  std::string text = info->invert_flags & XT_CONNTRACK_STATE ? "! --ctstate " : "--ctstate ";
  const char* comma = "";
  for (const auto& [name, bit] : kStates) {
    if (!(info->state_mask & bit)) continue;
    text.append(comma).append(name);
    comma = ",";
  }
  return info->match_flags & XT_CONNTRACK_DIRECTION ? text + " --ctdir ORIGINAL" : text;
}

std::optional<XtExtension> read_policy(RuleWords& words) {
  if (!words.take("--dir") || !words.take("in") || !words.take("--pol") || !words.take("none")) {
    return std::nullopt;
  }
  xt_policy_info info{};
  info.flags = XT_POLICY_MATCH_IN | XT_POLICY_MATCH_NONE;
  return XtExtension{.name = "policy", .revision = 0, .info = info_bytes(info)};
}

std::string comment_text(const XtExtension& match) {
  const auto info = info_of<xt_comment_info>(match);
  if (!info) return "?";
  return "--comment " + quoted({info->comment, strnlen(info->comment, sizeof info->comment)});
}

// The options of what Pellicle writes; for another match, any text.
std::string match_options(const XtExtension& match) {
  if (match.name == "mark") return mark_options<xt_mark_mtinfo1>(match);
  if (match.name == "connmark") return mark_options<xt_connmark_mtinfo1>(match);
  if (match.name == "conntrack") return conntrack_text(match);
  if (match.name == "policy") return "--dir in --pol none";
  return {};
}

}  // namespace

std::optional<XtExtension> read_match(RuleWords& words) {
  const auto name = words.take();
  if (name == "mark") return read_mark_match<xt_mark_mtinfo1>("mark", words);
  if (name == "connmark") return read_mark_match<xt_connmark_mtinfo1>("connmark", words);
  if (name == "conntrack") return read_conntrack(words);
  if (name == "policy") return read_policy(words);
  return std::nullopt;
}

// A text counts only if it makes the same bytes again: so no field is forgotten.
std::string match_text(const XtExtension& match) {
  const std::string name = match.name + " ";
  if (match.name == "comment") return "-m " + name + comment_text(match);
  const std::string text = name + match_options(match);
  RuleWords words(text);
  if (read_match(words) == match && words.done()) return "-m " + text;
  return "-m " + name + "?";
}

}  // namespace pellicle
