// Nodes as the API has them: read for allocation, and what is written to them.
#pragma once

#include <string>

#include "agent/kube/api_json.h"
#include "agent/kube/http.h"
#include "tools/operator/allocator.h"

namespace pellicle {

NodeView node_view(const ApiObject& object);

// One patch for all of it, so that a Node has either everything or nothing: spec.podCIDR,
// spec.podCIDRs and the annotations. It is for the very Node that was seen: the API refuses it with
// 409 when the Node has changed since, and with 422 when somebody else has set spec.podCIDRs.
// `limit` is also told to the server, so that a request does not take effect after it was given up.
Request assignment_request(const Assignment& assignment, std::chrono::milliseconds limit);

}  // namespace pellicle
