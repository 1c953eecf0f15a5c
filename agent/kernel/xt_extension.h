// The xtables matches and targets of Pellicle's rules, as nf_tables carries them (nft_compat):
// name, revision, and the kernel's struct. Pure.
//
// The revisions are those that iptables-nft 1.8.7, 1.8.9 and 1.8.11 read: the tool takes the struct
// of the newest revision that it knows, whatever the rule says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/rule_words.h"
#include "agent/model/ip.h"

namespace pellicle {

struct XtExtension {
  std::string name;  // "conntrack"
  uint32_t revision = 0;
  std::vector<uint8_t> info;  // the struct, padded to eight bytes as the kernel expects it
  bool operator==(const XtExtension&) const = default;
};

// Reads the words after "-m": the name and the options. nullopt: none of Pellicle's rules has it.
std::optional<XtExtension> read_match(RuleWords& words);
// Reads the words after "-j". nullopt: not such a target, so it may be the name of a chain.
std::optional<XtExtension> read_target(RuleWords& words, Family family);

// "-m mark --mark 0x1", as iptables-save prints it. With "?" in place of the options when Pellicle
// writes none such, so that it differs from every wanted rule. Comments, REJECT and the other
// states of conntrack are those of other programs' rules.
std::string match_text(const XtExtension& match);
std::string target_text(const XtExtension& target, Family family);

// A kernel's struct as the bytes of an extension, and back; nullopt if the size is another one.
template <class Info>
std::vector<uint8_t> info_bytes(const Info& info) {
  constexpr size_t kAlignment = 8;
  const auto* bytes = reinterpret_cast<const uint8_t*>(&info);
  std::vector<uint8_t> padded(bytes, bytes + sizeof info);
  padded.resize((sizeof info + kAlignment - 1) / kAlignment * kAlignment);
  return padded;
}

template <class Info>
std::optional<Info> info_of(const XtExtension& extension) {
  Info info{};
  if (extension.info.size() != info_bytes(info).size()) return std::nullopt;
  std::memcpy(&info, extension.info.data(), sizeof info);
  return info;
}

}  // namespace pellicle
