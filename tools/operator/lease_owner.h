// The Lease's owner: this pod's ServiceAccount, so that the Lease is deleted with it when the chart
// is uninstalled.
#pragma once

#include <string_view>

#include "tools/operator/election.h"

namespace pellicle {

// Reads account and uid from the payload of a pod's token. Empty for another kind of token, or one
// of another namespace than the Lease's: an owner must be in the same namespace.
LeaseNotes::Owner lease_owner(std::string_view token, std::string_view lease_space);

}  // namespace pellicle
