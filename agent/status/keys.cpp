#include "agent/status/keys.h"

#include <sstream>

namespace pellicle {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSharedKeyWarning =
    "one key for all nodes: after a reboot numbers come again under the same key, which gives "
    "AES-GCM's plain text away; put a + after the key id of the next key (`3+ ...`), and each pair "
    "of nodes has its own";

// What a packet that decrypts proves to its receiver. Every node can compute every key of both
// forms.
constexpr const char* kPairProves =
    "a node that has the Secret sent it, to this node, since both began to count; not which node: "
    "every node can derive every pair's key";
constexpr const char* kPlainProves =
    "a node that has the Secret sent it; not which node, and not to which one";

std::string hex(uint32_t number) {
  std::ostringstream text;
  text << "0x" << std::hex << number;
  return text.str();
}

Json older_json(const KeyRing& ring) {
  Json list = Json::array();
  for (const uint8_t id : ring.older_ids())
    list.push_back({{"key", id}, {"lacking", ring.lacking(id)}});
  return list;
}

Json epochs_json(const Sender& sender) {
  Json list = Json::array();
  for (const auto& epoch : sender.epochs) {
    list.push_back({{"spi", hex(epoch.spi)}, {"generation", epoch.generation}});
  }
  return list;
}

bool is_aead(const IpsecKey& key) {
  return std::holds_alternative<Aead>(key.algorithm);
}

}  // namespace

Json keys_json(const KeyRing& ring, const Sender& sender) {
  Json json{{"mode", "IPsec"}, {"key", nullptr}};
  auto ids = ring.older_ids();
  const auto& newest = ring.newest();
  if (newest) {
    ids.insert(newest->id);
    json["key"] = newest->id;
    json["algorithm"] = algorithm_name(newest->algorithm);
    json["form"] = newest->per_pair ? "pair" : "plain";
    json["proves"] = newest->per_pair ? kPairProves : kPlainProves;
  } else if (!ids.empty()) {
    // After a restart with an unusable Secret the programmed keys stay in use.
    json["key"] = *ids.rbegin();
  }
  json["keys"] = ids;
  json["rotating"] = ring.rotating();
  json["older"] = older_json(ring);
  if (!sender.epochs.empty()) {
    json["bootID"] = sender.boot_id;
    json["epochs"] = epochs_json(sender);
  }
  if (newest && !newest->per_pair && is_aead(*newest)) json["warning"] = kSharedKeyWarning;
  return json;
}

void add_way(const Peer& peer, Json& json) {
  json["key"] = peer.key_id ? Json(peer.key_id) : Json(nullptr);
  if (const auto* way = peer.way()) json["spi"] = hex(way->spi);
  json["announcedKey"] = peer.node.key_id ? Json(*peer.node.key_id) : Json(nullptr);
}

}  // namespace pellicle
