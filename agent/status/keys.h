// The keys in `pellicle status`: form, ids, rotation, and the key used for each peer.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/desired/desired.h"
#include "agent/model/key_ring.h"

namespace pellicle {

// The `encryption` object of the status: mode, key, algorithm, form, all ids in use, and what a
// rotation waits for. A shared AES-GCM key adds a warning. The warning does not make the node
// unhealthy: the cluster's owner chose that form.
nlohmann::ordered_json keys_json(const KeyRing& ring, const Sender& sender);

// Adds to a peer's object: the key id and SPI used to send to it, and the key id it announced.
void add_way(const Peer& peer, nlohmann::ordered_json& json);

}  // namespace pellicle
