// The Lease's owner: the ServiceAccount that this pod runs as, so that the Lease goes with
// it when the chart is uninstalled.
#pragma once

#include <string_view>

#include "tools/operator/election.h"

namespace pellicle {

// Out of a pod's token, whose middle part names account and uid. Nothing where it is no such token,
// or of another namespace than the Lease: an owner elsewhere would be none.
LeaseNotes::Owner lease_owner(std::string_view token, std::string_view lease_space);

}  // namespace pellicle
