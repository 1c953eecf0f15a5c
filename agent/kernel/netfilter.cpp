#include "agent/kernel/netfilter.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "agent/kernel/netfilter_command.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr const char* kLegacy = "iptables-legacy";
constexpr const char* kNft = "iptables-nft";
constexpr const char* kLockSeconds = "5";  // how long to wait for another user of the tables

// Where chains of ours may be. A new table is one more line.
struct Place {
  Family family;
  const char* table;
};
constexpr std::array kPlaces = {Place{Family::v4, "filter"}, Place{Family::v4, "nat"},
                                Place{Family::v4, "raw"},    Place{Family::v4, "mangle"},
                                Place{Family::v6, "filter"}, Place{Family::v6, "nat"},
                                Place{Family::v6, "raw"},    Place{Family::v6, "mangle"}};

// "iptables-nft", v6, "save" -> "ip6tables-nft-save"
std::string command(const std::string& backend, Family family, const std::string& verb) {
  return (family == Family::v4 ? backend : "ip6" + backend.substr(2)) + "-" + verb;
}

// The tools' messages, which run over several lines and repeat themselves.
std::string one_line(std::string text) {
  constexpr size_t kEnough = 300;
  for (char& c : text)
    if (c == '\n') c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.size() <= kEnough ? text : text.substr(0, kEnough) + "...";
}

// A back end may read and yet not write: iptables-nft 1.8.9 shows an empty table in a kernel
// without nf_tables' IPv4 family (User-Mode Linux 6.1) and then says "TABLE_ADD failed (Operation
// not supported)"; iptables-legacy says "can't initialize iptables table `raw'". Any other failure
// (a lock, a rule that is refused) must not send us to the other back end.
bool kernel_lacks_backend(const std::string& errors) {
  for (const char* words : {"Operation not supported", "Protocol not supported",
                            "Could not fetch rule set generation id", "can't initialize"})
    if (errors.find(words) != std::string::npos) return true;
  return false;
}

// The legacy tables are made by looking at them. This file lists those that are there in the
// thread's namespace. `table` empty: any.
bool legacy_table_exists(Family family, const std::string& table) {
  std::ifstream names(family == Family::v4 ? "/proc/thread-self/net/ip_tables_names"
                                           : "/proc/thread-self/net/ip6_tables_names");
  for (std::string name; std::getline(names, name);)
    if (table.empty() || name == table) return true;
  return false;
}

// No value: this back end does not work here. `table` empty: every table that is there.
std::optional<std::map<std::string, SavedTable>> save(const std::string& backend, Family family,
                                                      const std::string& table) {
  const auto program = find_executable(command(backend, family, "save"));
  if (!program) return std::nullopt;
  if (backend == kLegacy && !legacy_table_exists(family, table))
    return std::map<std::string, SavedTable>{};
  std::vector<std::string> arguments = {*program};
  if (!table.empty()) arguments.insert(arguments.end(), {"-t", table});
  const CommandResult result = run_command(arguments);
  if (result.status == 0) return parse_save(result.output);
  if (backend == kNft) return std::nullopt;  // no nf_tables in this kernel
  throw OsError(
      EIO, "read netfilter table " + table + " with " + *program + ": " + one_line(result.errors));
}

// What speaks for a back end; the greatest wins.
struct Weight {
  bool ours = false;
  bool kubernetes = false;
  size_t rules = 0;
  bool is_default = false;
  auto operator<=>(const Weight&) const = default;
};

void add(const std::map<std::string, SavedTable>& tables, Weight& weight) {
  for (const auto& [table, chains] : tables) {
    for (const auto& [chain, lines] : chains) {
      weight.ours = weight.ours || chain.rfind(kChainPrefix, 0) == 0;
      weight.kubernetes = weight.kubernetes || chain.rfind("KUBE-", 0) == 0;
      weight.rules += lines.size();
    }
  }
}

// `iptables` is a link to the program of one back end (xtables-nft-multi, xtables-legacy-multi); a
// name without either is an older one, which knew the legacy tables only.
std::string default_backend() {
  const auto plain = find_executable("iptables");
  if (!plain) return kNft;
  std::error_code unreadable;
  const std::string program = std::filesystem::canonical(*plain, unreadable).filename();
  return program.find("nft") != std::string::npos ? kNft : kLegacy;
}

}  // namespace

void Netfilter::choose() {
  if (!usable_.empty()) return;
  const std::string preferred = default_backend();
  std::vector<std::pair<Weight, std::string>> candidates;
  for (const char* backend : {kLegacy, kNft}) {
    Weight weight{.is_default = backend == preferred};
    const auto tables = save(backend, Family::v4, "");
    if (!tables) continue;
    add(*tables, weight);
    // On a node with IPv6 alone all that speaks for one is there.
    if (const auto ipv6 = save(backend, Family::v6, "")) add(*ipv6, weight);
    candidates.emplace_back(weight, backend);
  }
  std::sort(candidates.rbegin(), candidates.rend());
  for (const auto& candidate : candidates) usable_.push_back(candidate.second);
  if (!usable_.empty()) backend_ = usable_.front();
}

void Netfilter::dump(KernelState& into) {
  choose();
  if (backend_.empty()) return;  // no tool, so nothing of ours; an apply says what is missing
  // One run of the tool for all tables: each costs more than what it reads.
  std::map<Family, std::map<std::string, SavedTable>> tables;
  for (const Family family : kFamilies)
    tables[family] = save(backend_, family, "").value_or(std::map<std::string, SavedTable>{});
  for (const Place& place : kPlaces) {
    const auto table = tables[place.family].find(place.table);
    if (table != tables[place.family].end())
      into.netfilter.merge(chains_of_ours(table->second, place.family, place.table));
  }
}

void Netfilter::apply(const Change<NetfilterChain>& change) {
  const NetfilterChain::Key& key = change.key;
  if (change.action == Action::remove)
    write(key, [&](const SavedTable& now) {
      return now.count(key.chain) == 0 ? "" : removal_text(key, now);
    });
  else
    write(key, [&](const SavedTable& now) { return restore_text(key, change.value, now); });
}

void Netfilter::prefer(std::string backend) {
  std::stable_partition(usable_.begin(), usable_.end(),
                        [&](const std::string& usable) { return usable == backend; });
  backend_ = std::move(backend);
}

void Netfilter::write(const NetfilterChain::Key& key, const TextFor& text) {
  choose();
  const std::string operation =
      "write netfilter chain " + key.chain + " in table " + key.table + ": ";
  std::string refusals = "iptables-save and iptables-restore not found";
  for (const std::string& backend : usable_) {
    const auto restore = find_executable(command(backend, key.family, "restore"));
    const auto tables = save(backend, key.family, key.table);
    if (!restore || !tables) continue;
    const auto table = tables->find(key.table);
    const std::string input = text(table == tables->end() ? SavedTable{} : table->second);
    if (input.empty()) continue;  // nothing to remove here
    const CommandResult result =
        run_command({*restore, "--noflush", "--wait", kLockSeconds}, input);
    if (result.status == 0) return prefer(backend);
    refusals = *restore;
    refusals.append(": ").append(one_line(result.errors));
    if (!kernel_lacks_backend(result.errors)) throw OsError(EINVAL, operation + refusals);
  }
  if (!text({}).empty()) throw OsError(ENOENT, operation + refusals);
}

}  // namespace pellicle
