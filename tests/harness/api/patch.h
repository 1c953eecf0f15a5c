// The two patch types that a node agent uses. Pure.
#pragma once

#include "tests/harness/api/resource.h"

namespace pellicle::api {

// application/merge-patch+json, RFC 7386: maps merge, null removes, lists are replaced.
Json merge_patch(Json target, const Json& patch);

// application/strategic-merge-patch+json: as above, but lists that Kubernetes declares with a merge
// key (of a Node: status.addresses and status.conditions by `type`, spec.podCIDRs and
// metadata.finalizers as sets) merge by it, and the directives $patch (replace, delete) and
// $deleteFromPrimitiveList apply. Throws Refusal (400) for an unknown directive value or a list
// element without its merge key.
Json strategic_merge_patch(Json target, const Json& patch);

}  // namespace pellicle::api
