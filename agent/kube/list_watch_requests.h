// The requests of a list and a watch.
#pragma once

#include "agent/kube/list_watch.h"

namespace pellicle {

// The next page of a LIST, or all of it from the server's cache (`from_cache`).
Request list_request(const ListWatch& state);
// A watch from `resource_version`, which the server ends after `length`.
Request watch_request(const ListWatch& state, std::chrono::seconds length);

}  // namespace pellicle
