// Reads Nodes for allocation, and makes the requests that write to them.
#pragma once

#include <string>

#include "agent/kube/api_json.h"
#include "agent/kube/http.h"
#include "tools/operator/allocator.h"

namespace pellicle {

NodeView node_view(const ApiObject& object);

// One patch for spec.podCIDR, spec.podCIDRs and the annotations, so that a Node has all or none of
// them. It applies only to the Node as seen: the API answers 409 when the Node has changed since,
// and 422 when another program has set spec.podCIDRs. The server also gets `limit`, so that an
// abandoned request has no late effect.
Request assignment_request(const Assignment& assignment, std::chrono::milliseconds limit);

}  // namespace pellicle
