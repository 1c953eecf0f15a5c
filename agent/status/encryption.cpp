#include "agent/status/encryption.h"

#include <algorithm>
#include <stdexcept>

#include "agent/clock.h"

namespace pellicle {

namespace {

using Json = nlohmann::ordered_json;

// Key bytes, only for comparison.
std::set<SecretBytes> key_material(const Algorithm& algorithm) {
  if (const auto* aead = std::get_if<Aead>(&algorithm)) return {aead->key};
  const auto& pair = std::get<AuthEnc>(algorithm);
  return {pair.enc_key};
}

// The router address of the state's peer; 0.0.0.0 or :: when the state serves all peers.
const IpAddress& peer_address(const ObservedState& state) {
  return is_sending(state.key) ? state.key.dst : state.value.src;
}

std::string seconds_text(uint64_t seconds) {
  return time_text(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

Json state_json(const EncryptionFacts& facts, const ObservedState& state) {
  const auto& [key, value, counters] = state;
  const bool sending = is_sending(key);
  Json json{{"direction", sending ? "out" : "in"}};
  if (const auto name = peer_name(facts.peers, state); !name.empty()) json["peer"] = name;
  json["src"] = value.src.to_string();
  json["dst"] = key.dst.to_string();
  json["spi"] = key.spi;
  json["mark"] = {{"value", key.mark.value}, {"mask", key.mark.mask}};
  json["keyId"] = key_id(key);
  json["algorithm"] = algorithm_name(value.algorithm);
  json["esn"] = value.esn;
  json["replayWindow"] = value.replay_window;
  json["sequence"] = sending ? counters.sent : counters.received;
  json["lastSequence"] = state.last_sequence();
  json["packets"] = counters.packets;
  json["bytes"] = counters.bytes;
  json["added"] = seconds_text(counters.added);
  if (counters.last_used) {
    json["lastUsed"] = seconds_text(counters.last_used);
  } else if (counters.first_used) {
    json["firstUsed"] = seconds_text(counters.first_used);
  }
  json["replayed"] = counters.replayed;
  json["outsideWindow"] = counters.outside_window;
  json["integrityFailed"] = counters.integrity_failed;
  if (facts.stale) json["stale"] = facts.stale->contains(key);
  return json;
}

}  // namespace

std::vector<std::string> decryption_interfaces(const KernelState& actual) {
  std::set<std::string> devices;
  for (const auto& [key, route] : actual.routes) {
    if (key.table == kEncryptTable && route.type == RouteType::local) devices.insert(route.dev);
  }
  return {devices.begin(), devices.end()};
}

bool is_sending(const State::Key& key) {
  return key.mark != kDecryptMark;
}

uint8_t key_id(const State::Key& key) {
  return key_id_of(key);
}

std::string peer_name(const std::vector<Peer>& peers, const ObservedState& state) {
  const auto& address = peer_address(state);
  const auto found = std::find_if(peers.begin(), peers.end(),
                                  [&](const Peer& peer) { return peer.router == address; });
  return found == peers.end() ? "" : found->name;
}

size_t keys_in_use(const std::vector<ObservedState>& states) {
  std::set<SecretBytes> keys;
  std::set<uint32_t> withheld;
  for (const auto& state : states) {
    for (const auto& key : key_material(state.value.algorithm)) {
      if (key.all_zero()) {
        withheld.insert(state.key.spi);
      } else {
        keys.insert(key);
      }
    }
  }
  return keys.size() + withheld.size();
}

std::set<State::Key> stale_states(const std::vector<ObservedState>& states,
                                  const std::optional<Table<State>>& desired,
                                  const std::map<std::string, Node>& nodes) {
  const auto is_of_a_node = [&](const IpAddress& address) {
    return address == IpAddress::any(address.family()) ||
           std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) {
             return node.second.router(address.family()) == address;
           });
  };
  std::set<State::Key> stale;
  for (const auto& state : states) {
    const bool accounted_for =
        desired ? desired->contains(state.key) : is_of_a_node(peer_address(state));
    if (!accounted_for) stale.insert(state.key);
  }
  return stale;
}

nlohmann::ordered_json encryption_json(const EncryptionFacts& facts) {
  Json states = Json::array();
  for (const auto& state : facts.states) states.push_back(state_json(facts, state));
  return {{"mode", "IPsec"},
          {"time", time_text(facts.now)},
          {"interfaces", facts.interfaces},
          {"keysInUse", keys_in_use(facts.states)},
          {"errors", facts.errors},
          {"states", states}};
}

std::set<State::Key> named_states(const nlohmann::json& params) {
  std::set<State::Key> keys;
  for (const auto& each : params.at("states")) {
    const auto dst = IpAddress::parse(each.at("dst").get<std::string>());
    if (!dst) throw std::invalid_argument("states[].dst: expected an IP address");
    const auto& mark = each.at("mark");
    keys.insert({.dst = *dst,
                 .spi = each.at("spi").get<uint32_t>(),
                 .mark = {mark.at("value").get<uint32_t>(), mark.at("mask").get<uint32_t>()}});
  }
  return keys;
}

Plan removal_of(const std::set<State::Key>& named, const KernelState& actual) {
  KernelState going;
  for (const auto& [key, state] : actual.states) {
    if (named.contains(key)) going.states.emplace(key, state);
  }
  return plan({}, going);
}

nlohmann::ordered_json flush_json(const Plan& removal, const std::vector<Refusal>& refusals) {
  Json removed = Json::array();
  Json failures = Json::array();
  for (const auto& operation : removal) {
    const auto refused =
        std::find_if(refusals.begin(), refusals.end(),
                     [&](const Refusal& refusal) { return refusal.operation == operation; });
    if (refused == refusals.end()) {
      removed.push_back(describe(operation));
    } else {
      failures.push_back(describe(operation) + ": " + refused->sentence);
    }
  }
  return {{"removed", removed}, {"failures", failures}};
}

}  // namespace pellicle
