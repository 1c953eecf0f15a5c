// The pods of this node as the kernel alone knows them, for when our record of them is lost.
#pragma once

#include <vector>

#include "agent/model/inputs.h"
#include "agent/model/kernel_state.h"

namespace pellicle {

inline constexpr const char* kPodAlias = "pellicle pod ";  // of a pod's device, then the pod's name

// Of every entry of the endpoint map whose device carries our alias: device, addresses, MACs, and
// the name from the alias; without our program its sending is taken to be shaped. Their id is not
// known; deletion finds a pod by its device. `actual` is a dump of now. Throws OsError.
std::vector<Endpoint> pods_in_kernel(const KernelState& actual);

}  // namespace pellicle
