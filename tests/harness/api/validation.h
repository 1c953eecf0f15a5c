// What a kube-apiserver refuses in an object. Pure. Only requests are checked, not objects that a
// test puts into the store itself.
#pragma once

#include "tests/harness/api/refusal.h"

namespace pellicle::api {

// The error for the first field with a wrong type (a number as an annotation's value, a Secret's
// data that is not base64); empty if there is none. Such an object cannot be decoded: 400 on create
// or replace, 422 as the result of a patch.
std::string undecodable(const Resource& resource, const Json& object);

// Throws Refusal (422) for a name that is not a DNS subdomain.
void check_name(const Resource& resource, const std::string& name);

// Makes spec.podCIDR and spec.podCIDRs of a Node agree, as the v1 conversion does: podCIDRs alone
// sets podCIDR, and a podCIDR that is not the first of podCIDRs replaces them.
Json with_pod_cidrs_agreed(Json node);

// Throws Refusal (422): a Node's podCIDRs that are not networks, or two of one family; a Lease
// without a positive duration; an Event in another namespace than its object.
void check_object(const Resource& resource, const std::string& ns, const std::string& name,
                  const Json& object);

// Throws Refusal (422) for a PUT without a resourceVersion, for kinds that require one.
void check_conditional(const Resource& resource, const std::string& name, const Json& object);

// Throws Refusal: 400 if name or namespace of `object` differ from the path, 409 if its uid differs
// from the stored object's, 422 if it changes a Node's podCIDR.
void check_update(const Resource& resource, const ObjectKey& key, const Json& stored,
                  const Json& object);

// Moves stringData, which is never stored, to data.
Json with_string_data_folded(Json object);

}  // namespace pellicle::api
