// `pellicle key rotate`: a new key for the cluster, and the nodes that take it over.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

#include "agent/kube/access.h"
#include "agent/kube/key_rotation.h"

namespace pellicle::ctl {

struct RotateOptions {
  RotationWishes wishes;
  bool wait = true;                 // until every node has the new key
  std::chrono::seconds limit{300};  // for all of it
};

// How the caller reaches the API: `kubeconfig`, else $KUBECONFIG (of a list the first file), else
// the service account of the pod this runs in, else ~/.kube/config. Throws AccessError.
ApiAccess caller_access(const std::string& kubeconfig);

// Returns the exit status: kOk; kDegraded when not every node has the key in time, or it could not
// be written; kUsage when it is refused; kUnreachable when the API cannot be asked.
int rotate_key(const ApiAccess& access, const RotateOptions& options, std::ostream& out,
               std::ostream& complaints);

}  // namespace pellicle::ctl
