#include "agent/kernel/netfilter_legacy.h"

#include <array>
#include <cerrno>
#include <fstream>

#include "agent/kernel/netfilter_save.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr const char* kLegacy = "iptables-legacy";
constexpr const char* kLockSeconds = "5";  // how long the tool waits for the xtables lock

// Tables that may have chains of Pellicle's.
constexpr std::array kTablesOfOurs = {"filter", "nat", "raw", "mangle"};

// "ip6tables-legacy-save"
std::optional<std::string> program(Family family, const std::string& verb) {
  return find_executable(tool(kLegacy, family) + "-" + verb);
}

// iptables-legacy-save creates the tables that it reads. This file lists the existing tables of the
// thread's namespace.
bool any_legacy_table(Family family) {
  std::ifstream names(family == Family::v4 ? "/proc/thread-self/net/ip_tables_names"
                                           : "/proc/thread-self/net/ip6_tables_names");
  std::string name;
  return static_cast<bool>(std::getline(names, name));
}

void weigh(const SavedTable& table, BackendWeight& weight) {
  for (const auto& [chain, lines] : table) {
    weight.ours = weight.ours || chain.starts_with(kChainPrefix);
    weight.kubernetes = weight.kubernetes || chain.starts_with("KUBE-");
    weight.rules += lines.size();
  }
}

Outcome missing_restore() {
  return {.error = ENOENT, .sentence = std::string(kLegacy) + "-restore not found"};
}

}  // namespace

bool LegacyTables::read(Family family) {
  const auto save = program(family, "save");
  if (!save) return false;
  if (!any_legacy_table(family)) return true;
  const CommandResult saved = run_command({*save});
  if (saved.status != 0) {
    throw OsError(EIO, "read netfilter tables with " + *save + ": " + outcome_of(saved).sentence);
  }
  const auto tables = parse_save(saved.output);
  for (const auto& [name, table] : tables) {
    weigh(table, weight_);
    const auto rule = name == "filter" ? refuses_all(table) : std::nullopt;
    if (rule) refusing_.push_back(tool(kLegacy, family) + " -A FORWARD " + *rule);
  }
  for (const char* name : kTablesOfOurs) {
    const auto table = tables.find(name);
    if (table == tables.end()) continue;
    for (const auto& [key, chain] : chains_of_ours(table->second, family, name)) {
      chains_[key] = chain;
      jumps_[key] = deleted_jumps(table->second, key.chain);
    }
  }
  return true;
}

bool LegacyTables::look() {
  if (!lock_) lock_.emplace();
  const bool unheard = lock_->fd() >= 0 && !lock_->used();
  const auto now = std::chrono::steady_clock::now();
  if (unheard && looked_ && now - *looked_ < kTrust) return true;
  looked_.reset();
  weight_ = {.is_default = default_backend() == kLegacy};
  chains_.clear();
  refusing_.clear();
  jumps_.clear();
  if (!read(Family::v4)) return false;
  read(Family::v6);  // may fail: a kernel without IPv6 is fine
  looked_ = now;
  return true;
}

// Retries once after a new look(): if the chains changed since the last one, the tool does not find
// the jumps to delete.
template <class Input>
Outcome LegacyTables::restore(const NetfilterChain::Key& key, const Input& input) {
  const auto tool = program(key.family, "restore");
  if (!tool) return missing_restore();
  const std::vector<std::string> arguments = {*tool, "--noflush", "--wait", kLockSeconds};
  const std::string text = input();
  if (text.empty()) return {};
  Outcome outcome = outcome_of(run_command(arguments, text));
  if (outcome.ok() || outcome.error == EOPNOTSUPP) return outcome;
  looked_.reset();
  if (!look()) return outcome;
  const std::string text_now = input();
  if (text_now == text) return outcome;
  return text_now.empty() ? Outcome{} : outcome_of(run_command(arguments, text_now));
}

Outcome LegacyTables::write(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  Outcome outcome = restore(key, [&] { return restore_text(key, wanted, jumps_[key]); });
  if (outcome.ok()) wrote(key, wanted);
  return outcome;
}

void LegacyTables::wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  chains_[key] = wanted;
  jumps_[key] = "-D " + wanted.parent + " -j " + key.chain + "\n";
  weight_.ours = true;
}

Outcome LegacyTables::write_together(const std::vector<const Change<NetfilterChain>*>& changes) {
  const auto tool = program(changes.front()->key.family, "restore");
  if (!tool) return missing_restore();
  std::string text;
  for (const auto* change : changes) {
    text += restore_text(change->key, change->value, jumps_[change->key]);
  }
  Outcome outcome = outcome_of(run_command({*tool, "--noflush", "--wait", kLockSeconds}, text));
  if (!outcome.ok()) return outcome;
  for (const auto* change : changes) wrote(change->key, change->value);
  return outcome;
}

Outcome LegacyTables::remove(const NetfilterChain::Key& key) {
  Outcome outcome = restore(
      key, [&] { return chains_.contains(key) ? removal_text(key, jumps_[key]) : std::string(); });
  if (outcome.ok()) {
    chains_.erase(key);
    jumps_.erase(key);
  }
  return outcome;
}

Outcome outcome_of(const CommandResult& result) {
  constexpr size_t kEnough = 300;
  if (result.status == 0) return {};
  std::string text = result.errors;
  for (char& c : text)
    if (c == '\n') c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (text.size() > kEnough) text = text.substr(0, kEnough) + "...";
  bool lacking = false;
  for (const char* words : {"Operation not supported", "Protocol not supported", "can't initialize",
                            "unable to initialize table"})
    lacking = lacking || result.errors.find(words) != std::string::npos;
  return {.error = lacking ? EOPNOTSUPP : EINVAL, .sentence = text};
}

}  // namespace pellicle
