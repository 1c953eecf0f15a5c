// What `status` says of keys: form, ids, rotation, and how each peer is sent to.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/desired/desired.h"
#include "agent/model/key_ring.h"

namespace pellicle {

// `encryption` of the status: mode, key and algorithm as ever, beside them form, all ids in use and
// what a rotation waits for. A shared key gets a warning, which does not make a node unhealthy: it
// is what the cluster's owner chose.
nlohmann::ordered_json keys_json(const KeyRing& ring, const Sender& sender);

// Of one peer: the key id it is sent to with, the SPI, the id it announced.
void add_way(const Peer& peer, nlohmann::ordered_json& json);

}  // namespace pellicle
