// In which form a client wants objects: the clauses of its header Accept. Pure.
#pragma once

#include "tests/harness/api/call.h"

namespace pellicle::api {

// What a server does when a client asks for PartialObjectMetadata.
enum class MetadataServed : uint8_t {
  yes,      // as kube-apiserver since 1.15
  ignored,  // takes the next clause of the header: a server without this form
  refused,  // 406
};

// True: the objects' metadata alone. Throws Refusal (406).
bool wants_metadata(const Call& call, MetadataServed served);

// The object as PartialObjectMetadata.
Json metadata_of(const Json& object);

}  // namespace pellicle::api
