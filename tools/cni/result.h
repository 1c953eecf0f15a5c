// What a runtime reads on stdout. Pure.
#pragma once

#include <string>

#include "tools/cni/failure.h"
#include "tools/cni/request.h"

namespace pellicle::cni {

// The result of ADD in the form of the request's version, from the agent's description of the pod.
// Failure 11 when that lacks something.
Json add_result(const Request& request, const Json& pod);

// The answer to VERSION.
Json version_result(const Request& request);

Json error_object(const std::string& version, const Failure& failure);

}  // namespace pellicle::cni
