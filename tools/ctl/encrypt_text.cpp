#include "tools/ctl/encrypt_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <vector>

#include "tools/ctl/screen.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string hex(uint64_t number) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(number));
  return text.data();
}

std::string spi_text(uint64_t spi) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08llx", static_cast<unsigned long long>(spi));
  return text.data();
}

bool is_out(const Json& state) {
  return state.value("direction", "") == "out";
}

// Share of the sequence numbers that are used.
long double share_used(const Json& state) {
  const auto last = state.value("lastSequence", 0ULL);
  return last == 0 ? 0 : static_cast<long double>(state.value("sequence", 0ULL)) / last;
}

std::string sequence_text(const Json& state) {
  return hex(state.value("sequence", 0ULL)) + "/" + hex(state.value("lastSequence", 0ULL));
}

// Of the state closest to exhaustion: when some states use ESN, the highest number would mislead.
std::string max_sequence(const Json& encryption) {
  const Json* nearest = nullptr;
  for (const auto& state : encryption.at("states")) {
    if (is_out(state) && (!nearest || share_used(state) > share_used(*nearest))) nearest = &state;
  }
  return nearest ? sequence_text(*nearest) : "N/A";
}

// Only errors that occurred.
std::map<std::string, uint64_t> errors_of(const Json& encryption) {
  std::map<std::string, uint64_t> errors;
  for (const auto& [name, count] : encryption.at("errors").items()) {
    if (const auto number = count.get<uint64_t>()) errors[name] = number;
  }
  return errors;
}

uint64_t sum(const std::map<std::string, uint64_t>& errors) {
  uint64_t total = 0;
  for (const auto& [name, count] : errors) total += count;
  return total;
}

std::string listed(const std::set<uint64_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text.empty() ? "none" : text;
}

std::set<uint64_t> key_ids(const Json& encryption) {
  std::set<uint64_t> ids;
  for (const auto& state : encryption.at("states")) ids.insert(state.value("keyId", 0ULL));
  return ids;
}

std::string interfaces_text(const Json& encryption) {
  std::string text;
  for (const auto& name : encryption.at("interfaces")) {
    text += (text.empty() ? "" : ", ") + name.get<std::string>();
  }
  return text;
}

void summary_lines(Screen& screen, const Json& encryption) {
  const auto errors = errors_of(encryption);
  screen.field("Encryption:", "IPsec");
  screen.field("Decryption interface(s):", interfaces_text(encryption));
  screen.field("Keys in use:", std::to_string(encryption.value("keysInUse", 0ULL)));
  screen.field("Max Seq. Number:", max_sequence(encryption));
  screen.field("Errors:", std::to_string(sum(errors)));
  for (const auto& [name, count] : errors) screen.field("\t" + name + ":", std::to_string(count));
}

uint64_t failures(const Json& state) {
  return state.value("replayed", 0ULL) + state.value("outsideWindow", 0ULL) +
         state.value("integrityFailed", 0ULL);
}

// The other end of the state's packets.
struct Remote {
  bool trouble = false;  // has failures or a stale state
  std::string name;
  std::vector<const Json*> states;
};

bool from_anybody(const Json& state) {
  const auto src = state.value("src", "");
  return !is_out(state) && (src == "0.0.0.0" || src == "::");
}

std::string remote_name(const Json& state) {
  if (state.contains("peer")) return text_of(state, "peer");
  if (from_anybody(state)) return "all peers";
  return text_of(state, is_out(state) ? "dst" : "src");
}

// Remotes with failures or stale states first, then by name.
std::vector<Remote> by_remote(const Json& encryption) {
  std::map<std::string, Remote> remotes;
  for (const auto& state : encryption.at("states")) {
    auto& remote = remotes[remote_name(state)];
    remote.name = remote_name(state);
    remote.trouble |= failures(state) > 0 || state.value("stale", false);
    remote.states.push_back(&state);
  }
  std::vector<Remote> sorted;
  sorted.reserve(remotes.size());
  for (auto& [name, remote] : remotes) sorted.push_back(std::move(remote));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Remote& a, const Remote& b) { return a.trouble && !b.trouble; });
  return sorted;
}

std::string state_title(const Json& state) {
  std::string text = is_out(state) ? "out  " : "in   ";
  text += "spi " + spi_text(state.value("spi", 0ULL)) + ", key " + state.at("keyId").dump() + ", ";
  if (!is_out(state) && state.value("replayWindow", 0ULL) == 0) {
    return text + "no replay window";
  }
  text += "seq " + sequence_text(state);
  if (!is_out(state)) return text;
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), " (%.1Lf%%)", 100 * share_used(state));
  return text + percent.data();
}

std::string use_text(const Json& state) {
  if (state.contains("lastUsed")) return "last used " + text_of(state, "lastUsed");
  if (state.contains("firstUsed")) return "first used " + text_of(state, "firstUsed");
  return "never used";
}

std::string state_details(const Json& state) {
  std::string text = state.at("packets").dump() + " packets, " + state.at("bytes").dump() +
                     " bytes; " + use_text(state) + ", since " + text_of(state, "added");
  if (is_out(state)) return text;
  return text + "; " + state.at("replayed").dump() + " replayed, " +
         state.at("outsideWindow").dump() + " too old, " + state.at("integrityFailed").dump() +
         " failed integrity";
}

void state_lines(Screen& screen, const Json& state) {
  screen.row("  " + state_title(state));
  screen.paragraph(7, text_of(state, "src") + " > " + text_of(state, "dst") + ", " +
                          text_of(state, "algorithm"));
  screen.paragraph(7, state_details(state));
  if (state.value("stale", false)) {
    screen.paragraph(7, "stale: no Node accounts for it; `pellicle encrypt flush --stale`");
  }
}

}  // namespace

std::string encrypt_text(const Json& encryption, bool verbose) {
  Screen screen(false);
  summary_lines(screen, encryption);
  screen.field("Key ids:", listed(key_ids(encryption)));
  const auto remotes = by_remote(encryption);
  size_t shown = 0;
  for (const auto& remote : remotes) {
    if (!verbose && ++shown > kFewPeers) {
      screen.row("... " + std::to_string(remotes.size() - kFewPeers) + " more with --verbose");
      break;
    }
    screen.row(remote.name);
    for (const Json* state : remote.states) state_lines(screen, *state);
  }
  return screen.text();
}

std::string state_list(const Json& states) {
  Screen screen(false);
  for (const auto& state : states) {
    screen.row("  " + text_of(state, "direction") + " spi " + spi_text(state.value("spi", 0ULL)) +
               ", key " + state.at("keyId").dump() + ", " + remote_name(state));
    screen.paragraph(6, text_of(state, "src") + " > " + text_of(state, "dst") + ", " +
                            text_of(state, "algorithm"));
  }
  return screen.text();
}

Json encrypt_json(const Json& encryption) {
  const auto errors = errors_of(encryption);
  return {{"mode", encryption.value("mode", "IPsec")},
          {"ipsec",
           {{"decrypt-interfaces", encryption.at("interfaces")},
            {"keys-in-use", encryption.at("keysInUse")},
            {"max-seq-number", max_sequence(encryption)},
            {"error-count", sum(errors)},
            {"xfrm-errors", errors}}},
          {"states", encryption.at("states")}};
}

}  // namespace pellicle::ctl
