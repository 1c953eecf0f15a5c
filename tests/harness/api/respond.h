// Every request but a watch: what the API does and answers. Pure.
#pragma once

#include "tests/harness/api/call.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

// Throws Refusal for whatever is not possible.
Response respond(Store& store, const Call& call);

}  // namespace pellicle::api
