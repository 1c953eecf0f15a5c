#include "agent/kernel/netfilter_save.h"

#include <regex>
#include <sstream>
#include <utility>

namespace pellicle {

namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Removes quoted text: a comment may look like a jump.
std::string without_quoted(std::string_view rule) {
  std::string text;
  bool quoted = false;
  for (size_t i = 0; i < rule.size(); ++i) {
    if (quoted && rule[i] == '\\')
      ++i;
    else if (rule[i] == '"')
      quoted = !quoted;
    else if (!quoted)
      text += rule[i];
  }
  return text;
}

std::string parent_of(const SavedTable& table, const std::string& name_of_table,
                      const std::string& chain) {
  std::string parent;
  for (const auto& [name, rules] : table) {
    if (rules.empty()) continue;
    const auto& place = stands_last(name_of_table, chain) ? rules.back() : rules.front();
    if (place == "-j " + chain) parent = name;
  }
  return count_jumps(table, chain) == 1 ? parent : "";
}

}  // namespace

bool jumps_to(std::string_view whole_rule, std::string_view chain) {
  const std::string bare = without_quoted(whole_rule);
  const std::string_view rule = bare;
  for (const std::string_view verb : {"-j ", "-g "}) {
    for (size_t at = rule.find(verb); at != std::string_view::npos; at = rule.find(verb, at + 1)) {
      if (at != 0 && rule[at - 1] != ' ') continue;
      const std::string_view target = rule.substr(at + verb.size());
      if (target.substr(0, target.find(' ')) == chain) return true;
    }
  }
  return false;
}

size_t count_jumps(const SavedTable& table, std::string_view chain) {
  size_t jumps = 0;
  for (const auto& [name, rules] : table)
    for (const std::string& rule : rules) jumps += jumps_to(rule, chain) ? 1 : 0;
  return jumps;
}

bool stands_last(std::string_view table, std::string_view chain) {
  return table == "filter" && chain == "PELLICLE_FORWARD";
}

std::map<std::string, SavedTable> parse_save(std::string_view text) {
  std::map<std::string, SavedTable> tables;
  SavedTable* table = nullptr;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (starts_with(line, "*")) {
      table = &tables[line.substr(1)];
    } else if (line == "COMMIT") {
      table = nullptr;
    } else if (table != nullptr && starts_with(line, ":")) {
      (*table)[line.substr(1, line.find(' ') - 1)];
    } else if (table != nullptr && starts_with(line, "-A ")) {
      const size_t end = line.find(' ', 3);
      if (end == std::string::npos)
        (*table)[line.substr(3)].emplace_back();  // a rule without match and target only counts
      else
        (*table)[line.substr(3, end - 3)].push_back(line.substr(end + 1));
    }
  }
  return tables;
}

std::map<NetfilterChain::Key, NetfilterChain> chains_of_ours(const SavedTable& table, Family family,
                                                             const std::string& name) {
  std::map<NetfilterChain::Key, NetfilterChain> chains;
  for (const auto& [chain, rules] : table) {
    if (!starts_with(chain, kChainPrefix)) continue;
    chains[{.family = family, .table = name, .chain = chain}] = {
        .parent = parent_of(table, name, chain), .rules = rules};
  }
  return chains;
}

std::optional<std::string> refuses_all(const SavedTable& filter) {
  static const std::regex accepts("^(.*(-[sdio] |\\?(payload|lookup|range)).*)?-j ACCEPT( .*)?$");
  static const std::regex refuses("^(-m comment --comment( [^ -]\\S*)? +)?-j (REJECT|DROP)( .*)?$");
  const auto forward = filter.find("FORWARD");
  if (forward == filter.end()) return std::nullopt;
  for (const std::string& rule : forward->second) {
    const std::string bare = without_quoted(rule);
    if (std::regex_match(bare, accepts)) return std::nullopt;
    if (std::regex_match(bare, refuses)) return rule;
  }
  return std::nullopt;
}

std::string deleted_jumps(const SavedTable& table, const std::string& chain) {
  std::string text;
  for (const auto& [name, rules] : table)
    for (const std::string& rule : rules)
      if (jumps_to(rule, chain)) text.append("-D ").append(name).append(" ").append(rule) += '\n';
  return text;
}

// The line ":CHAIN" creates the chain, or flushes an existing one. The same commit deletes the old
// jumps and adds the new one, so no packet sees the table without a jump.
std::string restore_text(const NetfilterChain::Key& key, const NetfilterChain& wanted,
                         const std::string& old_jumps) {
  std::string text = "*" + key.table + "\n:" + key.chain + " - [0:0]\n";
  text += old_jumps;
  for (const std::string& rule : wanted.rules) text += "-A " + key.chain + " " + rule + "\n";
  text += stands_last(key.table, key.chain) ? "-A " + wanted.parent : "-I " + wanted.parent + " 1";
  text += " -j " + key.chain + "\n";
  return text + "COMMIT\n";
}

std::string removal_text(const NetfilterChain::Key& key, const std::string& old_jumps) {
  return "*" + key.table + "\n:" + key.chain + " - [0:0]\n" + old_jumps + "-X " + key.chain +
         "\nCOMMIT\n";
}

}  // namespace pellicle
