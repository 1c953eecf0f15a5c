// A cluster at an API server, with Nodes of realistic size.
#pragma once

#include <string>

#include "tests/harness/api/api_fixture.h"

namespace pellicle::bench {

inline constexpr const char* kSelf = "self";  // has the address of Site's uplink
inline constexpr size_t kNodeBytes = 20'000;  // of a Node's JSON, mostly its list of images

api::Json self_object();
api::Json peer_object(size_t number);  // 1 to 65000; its agent has published what peers need
std::string peer_name(size_t number);
std::string peer_cidr(size_t number);  // "10.0.1.0/24"

}  // namespace pellicle::bench
