// What a kube-apiserver refuses in an object. Pure; only requests are checked, not the objects that
// a test puts into the store itself.
#pragma once

#include "tests/harness/api/refusal.h"

namespace pellicle::api {

// The sentence for the first field whose type is wrong (a number as an annotation's value, a
// Secret's data that is not base64); empty if none is. Such an object cannot be decoded: 400 when
// created or replaced, 422 as the outcome of a patch.
std::string undecodable(const Resource& resource, const Json& object);

// Throws Refusal (422) for a name that is no DNS subdomain.
void check_name(const Resource& resource, const std::string& name);

// spec.podCIDR and spec.podCIDRs of a Node say the same afterwards, as the conversion of v1 has it:
// podCIDRs alone gives podCIDR, and a podCIDR that is not the first of podCIDRs replaces them.
Json with_pod_cidrs_agreed(Json node);

// Throws Refusal (422): a Node's podCIDRs that are no networks, or two of one family; a Lease
// without a positive duration; an Event whose object is elsewhere than the Event.
void check_object(const Resource& resource, const std::string& ns, const std::string& name,
                  const Json& object);

// Throws Refusal (422) for a PUT without a resourceVersion, of the kinds that demand one.
void check_conditional(const Resource& resource, const std::string& name, const Json& object);

// Throws Refusal: 400 if `object` has another name or namespace than the path, 409 if another uid
// than the stored object, 422 if it changes a Node's podCIDR.
void check_update(const Resource& resource, const ObjectKey& key, const Json& stored,
                  const Json& object);

// stringData, which is never stored, as data.
Json with_string_data_folded(Json object);

}  // namespace pellicle::api
