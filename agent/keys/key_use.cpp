#include "agent/keys/key_use.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/desired/epochs.h"
#include "agent/desired/ways.h"
#include "agent/keys/derive.h"

namespace pellicle {

namespace {

using namespace std::chrono_literals;

// Time after a node has seen its own announcement until it assumes that all nodes have: a watch
// delivers in milliseconds. Also the longest time that packets with an older epoch's SPI are in
// flight.
constexpr auto kHeard = 1s;

constexpr size_t kMostAppended = size_t{256} * 1024;  // bytes of lines; then the file is rewritten

std::optional<IpAddress> own_router(const Inputs& inputs) {
  const auto own = own_networks(inputs);
  if (own.empty()) return std::nullopt;
  return own.begin()->second.router;
}

const IpsecKey* key_of_id(const Inputs& inputs, uint8_t id) {
  for (const auto* key : Keys(inputs).known()) {
    if (key->id == id && key->per_pair) return key;
  }
  return nullptr;
}

bool sends_for_pair(const Change<State>& change) {
  return change.value.esn && change.key.mark != kDecryptMark;
}

bool has_pair_states(const Programmed& programmed) {
  return std::any_of(programmed.states.begin(), programmed.states.end(),
                     [](const auto& entry) { return entry.second.esn; });
}

// True if the epoch's states have a mark and should not, or the reverse. States of the right form
// need an SPI of their own.
bool has_other_form(const Inputs& inputs, const Epoch& epoch) {
  const auto& states = inputs.programmed.states;
  return std::any_of(states.begin(), states.end(), [&](const auto& entry) {
    const auto& [key, state] = entry;
    const bool sends = state.esn && is_of(epoch, key.spi) && key.mark != kDecryptMark;
    return sends && (key.mark != Mark{}) != inputs.settings.marked_policies;
  });
}

uint64_t newest_generation(const std::vector<Epoch>& epochs) {
  uint64_t newest = 0;
  for (const auto& epoch : epochs) newest = std::max(newest, epoch.generation);
  return newest;
}

}  // namespace

KeyUse::KeyUse(std::string directory, std::string boot_id)
    : directory_(std::move(directory)),
      journal_(directory_ + "/keys.json"),
      boot_id_(std::move(boot_id)) {
  load();
}

void KeyUse::load() {
  try {
    const auto file = journal_.read();
    const auto json = nlohmann::json::parse(file.whole.value_or(""));
    if (json.at("boot_id") != boot_id_) return;
    Record record;
    for (const auto& epoch : json.at("epochs")) {
      record.epochs.push_back({epoch.at("spi"), epoch.at("generation")});
    }
    record.spent = json.at("spent").get<std::set<uint64_t>>();
    for (const auto& each : json.at("used")) {
      record.used[each.at("key")] = each.at("pairs").get<std::set<uint64_t>>();
    }
    for (const auto& line : file.lines) {
      size_t end = 0;
      const auto key = std::stoull(line, &end);
      record.used[key].insert(std::stoull(line.substr(end)));
    }
    record_ = saved_ = std::move(record);
    loaded_ = !record_.epochs.empty();
  } catch (const std::exception&) {  // missing or damaged: another epoch begins
  }
}

void KeyUse::save() {
  if (record_ == saved_ || !writes_) return;
  nlohmann::json json{{"boot_id", boot_id_}, {"spent", record_.spent}};
  json["epochs"] = nlohmann::json::array();
  for (const auto& epoch : record_.epochs) {
    json["epochs"].push_back({{"spi", epoch.spi}, {"generation", epoch.generation}});
  }
  json["used"] = nlohmann::json::array();
  for (const auto& [key, pairs] : record_.used) {
    json["used"].push_back({{"key", key}, {"pairs", pairs}});
  }
  std::filesystem::create_directories(directory_);
  journal_.replace(json.dump() + "\n");
  saved_ = record_;
}

// Appends lines while the file and the record agree; otherwise save() rewrites the file.
void KeyUse::append(const std::vector<std::pair<uint64_t, uint64_t>>& taken) {
  if (taken.empty()) return;
  std::string lines;
  for (const auto& [key, pair] : taken) {
    lines += std::to_string(key) + " " + std::to_string(pair) + "\n";
  }
  const bool little = journal_.appended() + lines.size() < kMostAppended;
  const bool extends = journal_.written() && record_ == saved_ && little;
  if (extends) journal_.append(lines);
  for (const auto& [key, pair] : taken) {
    record_.used[key].insert(pair);
    if (extends) saved_.used[key].insert(pair);
  }
  save();
}

// Continues the epochs from the file or, if it is lost, from the Node, as long as the kernel has
// states of them. Adds another epoch if it is unknown which keys were used. Without any state only
// the new epoch remains: peers see from the missing older epochs that this node starts again.
void KeyUse::begin(const Inputs& inputs, const IpAddress& router, const Clock& clock) {
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  if (!loaded_ && self != inputs.nodes.end()) {
    const auto& published = self->second;
    if (!published.boot_id.empty() && published.boot_id != boot_id_) {
      record_.epochs = {epoch_of(router, boot_id_, 0, others_spis(inputs))};
      return;
    }
    if (published.boot_id == boot_id_) record_.epochs = published.epochs;
  }
  const bool goes_on = loaded_ && (record_.used.empty() || has_pair_states(inputs.programmed));
  if (goes_on && !has_other_form(inputs, record_.epochs.back())) return;
  begin_next(inputs, router, clock);
  if (!has_pair_states(inputs.programmed)) record_.epochs = {record_.epochs.back()};
}

void KeyUse::begin_next(const Inputs& inputs, const IpAddress& router, const Clock& clock) {
  auto taken = others_spis(inputs);
  for (const auto& epoch : record_.epochs) taken.insert(epoch.spi);
  uint64_t generation = clock.since_boot;
  if (!record_.epochs.empty()) {
    generation = std::max(generation, newest_generation(record_.epochs) + 1);
  }
  record_.epochs.push_back(epoch_of(router, boot_id_, generation, taken));
  // A node announces at most kMostEpochs: drop the oldest.
  if (record_.epochs.size() > kMostEpochs) record_.epochs.erase(record_.epochs.begin());
  record_.used.clear();
  record_.spent.clear();
  unneeded_since_.reset();
}

void KeyUse::end_unneeded(const Inputs& inputs, const Clock& clock) {
  auto needed = needed_epochs(inputs);
  if (needed.size() == record_.epochs.size()) return unneeded_since_.reset();
  if (!unneeded_since_) unneeded_since_ = clock.now;
  const auto at = *unneeded_since_ + kHeard;
  if (clock.now < at) {
    due_ = at;
    return;
  }
  record_.epochs = std::move(needed);
  unneeded_since_.reset();
}

bool KeyUse::settled(const Inputs& inputs, const Clock& clock) {
  const auto self = inputs.nodes.find(inputs.settings.node_name);
  const auto& newest = record_.epochs.back();
  const bool shown = self != inputs.nodes.end() && self->second.boot_id == boot_id_ &&
                     std::find(self->second.epochs.begin(), self->second.epochs.end(), newest) !=
                         self->second.epochs.end();
  if (!shown) {
    announced_since_.reset();
    return false;
  }
  if (!announced_since_ || announced_spi_ != newest.spi) {
    announced_since_ = clock.now;
    announced_spi_ = newest.spi;
  }
  if (record_.epochs.size() > 1) return false;
  const auto at = *announced_since_ + kHeard;
  if (clock.now < at) due_ = due_ ? std::min(*due_, at) : at;
  return clock.now >= at && contest(inputs) == Contest::none;
}

// False if a key would be used again; then nothing is recorded.
bool KeyUse::take_into_use(const Inputs& inputs, const Table<State>& desired) {
  auto used = record_.used;
  for (const auto& [at, state] : desired) {
    if (at.mark == kDecryptMark) continue;
    const auto* key = key_of_id(inputs, key_id_of(at));
    if (!key || !state.esn) continue;
    const auto present = inputs.programmed.states.find(at);
    const bool there = present != inputs.programmed.states.end() &&
                       same_algorithm(present->second.algorithm, state.algorithm);
    const auto shared = fingerprint(key->algorithm);
    const bool fresh = used[shared].insert(fingerprint(state.algorithm)).second;
    if (!there && (!fresh || record_.spent.contains(shared))) return false;
  }
  record_.used = std::move(used);
  return true;
}

KeyUse KeyUse::copy_that_writes_nothing() const {
  KeyUse copy(*this);
  copy.writes_ = false;
  return copy;
}

Desired KeyUse::prepare(Inputs& inputs, const Clock& clock) {
  due_.reset();
  inputs.sender = {.boot_id = boot_id_, .epochs = record_.epochs, .settled = false};
  const auto router = own_router(inputs);
  if (!router) return compute(inputs);
  if (!std::exchange(begun_, true)) begin(inputs, *router, clock);
  inputs.sender.epochs = record_.epochs;
  if (contest(inputs) == Contest::lost) begin_next(inputs, *router, clock);
  inputs.sender.epochs = record_.epochs;
  end_unneeded(inputs, clock);
  inputs.sender.epochs = record_.epochs;
  inputs.sender.settled = settled(inputs, clock);
  auto desired = compute(inputs);
  if (!take_into_use(inputs, desired.state.states)) {
    begin_next(inputs, *router, clock);
    inputs.sender.epochs = record_.epochs;
    inputs.sender.settled = settled(inputs, clock);
    desired = compute(inputs);
    take_into_use(inputs, desired.state.states);
  }
  save();
  return desired;
}

bool KeyUse::was_used(uint64_t shared, uint64_t pair) const {
  const auto pairs = record_.used.find(shared);
  return pairs != record_.used.end() && pairs->second.contains(pair);
}

std::optional<bool> KeyUse::made_with(const IpsecKey& key, const Table<State>& programmed) const {
  if (!key.per_pair) return std::nullopt;
  std::optional<bool> answer;
  for (const auto& [at, state] : programmed) {
    if (at.mark == kDecryptMark || !state.esn || key_id_of(at) != key.id) continue;
    const auto pair = fingerprint(state.algorithm);
    if (was_used(fingerprint(key.algorithm), pair)) return true;
    for (const auto& [shared, pairs] : record_.used) {
      if (pairs.contains(pair)) answer = false;
    }
  }
  return answer;
}

bool KeyUse::permit(const Inputs& inputs, const Plan& plan) {
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (const auto& operation : plan) {
    const auto* change = std::get_if<Change<State>>(&operation);
    if (!change || change->action == Action::remove || !sends_for_pair(*change)) continue;
    const auto* key = key_of_id(inputs, key_id_of(change->key));
    const auto shared = key ? fingerprint(key->algorithm) : 0;
    const auto pair = fingerprint(change->value.algorithm);
    if (!key || record_.spent.contains(shared) || was_used(shared, pair)) return false;
    taken.emplace_back(shared, pair);
  }
  append(taken);
  return true;
}

void KeyUse::not_made(const Inputs& inputs, const Change<State>& change) {
  const auto* key = key_of_id(inputs, key_id_of(change.key));
  if (!key || !sends_for_pair(change)) return;
  record_.used[fingerprint(key->algorithm)].erase(fingerprint(change.value.algorithm));
}

void KeyUse::retired(const IpsecKey& key) {
  if (!key.per_pair) return;
  const auto shared = fingerprint(key.algorithm);
  record_.used.erase(shared);
  record_.spent.insert(shared);
}

}  // namespace pellicle
