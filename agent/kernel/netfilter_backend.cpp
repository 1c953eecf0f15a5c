#include "agent/kernel/netfilter_backend.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "agent/kernel/netfilter_save.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr const char* kLegacy = "iptables-legacy";
constexpr const char* kNft = "iptables-nft";
constexpr const char* kLockSeconds = "5";  // how long the tool waits for the xtables lock

// Tables that may have chains of Pellicle's.
constexpr std::array kTables = {"filter", "nat", "raw", "mangle"};

// "iptables-nft", v6 -> "ip6tables-nft"
std::string tool(const std::string& backend, Family family) {
  return family == Family::v4 ? backend : "ip6" + backend.substr(2);
}

// "ip6tables-nft-save"
std::optional<std::string> program(const std::string& backend, Family family,
                                   const std::string& verb) {
  return find_executable(tool(backend, family) + "-" + verb);
}

// iptables-legacy-save creates the tables that it reads. This file lists the existing tables of the
// thread's namespace.
bool any_legacy_table(Family family) {
  std::ifstream names(family == Family::v4 ? "/proc/thread-self/net/ip_tables_names"
                                           : "/proc/thread-self/net/ip6_tables_names");
  std::string name;
  return static_cast<bool>(std::getline(names, name));
}

// The generation id of nftables in the thread's namespace, which every change increments. nullopt:
// this kernel has no nftables.
std::optional<uint32_t> nftables_generation() {
  std::optional<uint32_t> generation;
  try {
    NetlinkMessage question(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0);
    question.header(nfgenmsg{.nfgen_family = 0, .version = NFNETLINK_V0, .res_id = 0});
    NetlinkSocket(NETLINK_NETFILTER)
        .request(std::move(question), [&](size_t, const nlmsghdr& answer) {
          if (const auto id = Attributes(answer, sizeof(nfgenmsg)).value<uint32_t>(NFTA_GEN_ID))
            generation = be32toh(*id);
        });
  } catch (const OsError&) {  // no netfilter netlink in this kernel
  }
  return generation;
}

// Without a table there is nothing for the tool to read, and starting it costs more than all else.
bool any_nftables_table(Family family) {
  NetlinkMessage question(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
  const auto wanted = static_cast<uint8_t>(address_family(family));  // NFPROTO_* are the same
  question.header(nfgenmsg{.nfgen_family = wanted, .version = NFNETLINK_V0, .res_id = 0});
  try {
    NetlinkSocket socket(NETLINK_NETFILTER);
    return !socket
                .dump(std::move(question),
                      [](const nlmsghdr&) { return std::optional<bool>(true); })
                .empty();
  } catch (const OsError&) {
    return true;  // then the tool reports what it finds
  }
}

bool any_table(const std::string& backend, Family family) {
  return backend == kLegacy ? any_legacy_table(family) : any_nftables_table(family);
}

// `iptables` links to the program of one back end (xtables-nft-multi, xtables-legacy-multi). A
// program with another name is an older one, which supports only the legacy tables.
std::string default_backend() {
  const auto plain = find_executable("iptables");
  if (!plain) return kNft;
  std::error_code unreadable;
  const std::string target = std::filesystem::canonical(*plain, unreadable).filename();
  return target.find("nft") != std::string::npos ? kNft : kLegacy;
}

void add(const SavedTable& table, BackendWeight& weight) {
  for (const auto& [chain, lines] : table) {
    weight.ours = weight.ours || chain.starts_with(kChainPrefix);
    weight.kubernetes = weight.kubernetes || chain.starts_with("KUBE-");
    weight.rules += lines.size();
  }
}

}  // namespace

bool NetfilterBackend::read(Family family) {
  const auto save = program(name_, family, "save");
  if (!save) return false;
  if (!any_table(name_, family)) return true;
  const CommandResult saved = run_command({*save});
  if (saved.status != 0 && name_ == kNft) return false;
  if (saved.status != 0)
    throw OsError(EIO, "read netfilter tables with " + *save + ": " + said(saved));
  const auto tables = parse_save(saved.output);
  for (const auto& [name, table] : tables) {
    add(table, weight_);
    const auto rule = name == "filter" ? refuses_all(table) : std::nullopt;
    if (rule) refusing_.push_back(tool(name_, family) + " -A FORWARD " + *rule);
  }
  for (const char* name : kTables) {
    const auto table = tables.find(name);
    if (table == tables.end()) continue;
    for (const auto& [key, chain] : chains_of_ours(table->second, family, name)) {
      chains_[key] = chain;
      jumps_[key] = deleted_jumps(table->second, key.chain);
    }
  }
  return true;
}

bool NetfilterBackend::look() {
  bool unheard = false;
  if (name_ == kNft) {
    const auto generation = nftables_generation();
    if (!generation) return false;
    unheard = std::exchange(generation_, generation) == generation;
  } else {
    if (!lock_) lock_.emplace();
    unheard = lock_->fd() >= 0 && !lock_->used();
  }
  const auto now = std::chrono::steady_clock::now();
  if (unheard && looked_ && now - *looked_ < kTrust) return true;
  looked_.reset();
  weight_ = {.is_default = name_ == default_backend()};
  chains_.clear();
  refusing_.clear();
  jumps_.clear();
  if (!read(Family::v4)) return false;
  read(Family::v6);  // may fail: a kernel without IPv6 is fine
  looked_ = now;
  return true;
}

CommandResult NetfilterBackend::missing_restore() const {
  return {.status = 1, .output = "", .errors = name_ + "-restore not found"};
}

// Retries once after a new look(): if the chains changed since the last one, the tool does not find
// the jumps to delete.
template <class Input>
CommandResult NetfilterBackend::restore(const NetfilterChain::Key& key, const Input& input) {
  const auto tool = program(name_, key.family, "restore");
  if (!tool) return missing_restore();
  const std::vector<std::string> arguments = {*tool, "--noflush", "--wait", kLockSeconds};
  const std::string text = input();
  if (text.empty()) return {};
  CommandResult result = run_command(arguments, text);
  if (result.status == 0 || lacks_kernel(result)) return result;
  looked_.reset();
  if (!look()) return result;
  const std::string text_now = input();
  if (text_now == text) return result;
  return text_now.empty() ? CommandResult{} : run_command(arguments, text_now);
}

CommandResult NetfilterBackend::write(const NetfilterChain::Key& key,
                                      const NetfilterChain& wanted) {
  CommandResult result = restore(key, [&] { return restore_text(key, wanted, jumps_[key]); });
  if (result.status == 0) wrote(key, wanted);
  return result;
}

void NetfilterBackend::wrote(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  chains_[key] = wanted;
  jumps_[key] = "-D " + wanted.parent + " -j " + key.chain + "\n";
  weight_.ours = true;
}

CommandResult NetfilterBackend::write_together(
    const std::vector<const Change<NetfilterChain>*>& changes) {
  const auto tool = program(name_, changes.front()->key.family, "restore");
  if (!tool) return missing_restore();
  std::string text;
  for (const auto* change : changes) {
    text += restore_text(change->key, change->value, jumps_[change->key]);
  }
  CommandResult result = run_command({*tool, "--noflush", "--wait", kLockSeconds}, text);
  if (result.status != 0) return result;
  for (const auto* change : changes) wrote(change->key, change->value);
  return result;
}

CommandResult NetfilterBackend::remove(const NetfilterChain::Key& key) {
  CommandResult result = restore(
      key, [&] { return chains_.contains(key) ? removal_text(key, jumps_[key]) : std::string(); });
  if (result.status == 0) {
    chains_.erase(key);
    jumps_.erase(key);
  }
  return result;
}

bool NetfilterBackend::lacks_kernel(const CommandResult& refusal) {
  for (const char* words : {"Operation not supported", "Protocol not supported",
                            "Could not fetch rule set generation id", "can't initialize"})
    if (refusal.errors.find(words) != std::string::npos) return true;
  return false;
}

std::string said(const CommandResult& refusal) {
  constexpr size_t kEnough = 300;
  std::string text = refusal.errors;
  for (char& c : text)
    if (c == '\n') c = ' ';
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.size() <= kEnough ? text : text.substr(0, kEnough) + "...";
}

}  // namespace pellicle
