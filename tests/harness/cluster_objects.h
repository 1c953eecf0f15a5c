// Objects as the API server returns them, made from decoded values.
#pragma once

#include "agent/kube/api_json.h"
#include "agent/model/key.h"
#include "agent/model/node.h"

namespace pellicle {

// decode_node() of the result gives `node` again.
ApiObject node_object(const Node& node);

// decode_secret() of the result gives `key` again. An AEAD key.
ApiObject secret_object(const IpsecKey& key);

}  // namespace pellicle
