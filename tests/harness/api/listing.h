// LIST: pages, selectors and resourceVersion. Pure.
#pragma once

#include "tests/harness/api/call.h"
#include "tests/harness/api/store.h"

namespace pellicle::api {

// The NodeList or SecretList that `call` asks for. Throws Refusal: 400, 410 for a version or a page
// that is forgotten, 504 for a future version.
Json listing(const Store& store, const Call& call);

}  // namespace pellicle::api
