// Executes and answers every request except a watch. Pure.
#pragma once

#include "tests/harness/api/call.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

// Throws Refusal for what is not possible.
Response respond(Store& store, const Call& call);

}  // namespace pellicle::api
