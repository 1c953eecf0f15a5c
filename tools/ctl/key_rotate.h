// `pellicle key rotate`: writes a new key for the cluster, and waits until the nodes take it.
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
  std::chrono::seconds limit{300};  // of the whole command
};

// The caller's access to the API: `kubeconfig`, else $KUBECONFIG (the first file of a list), else
// the pod's service account, else ~/.kube/config. Throws AccessError.
ApiAccess caller_access(const std::string& kubeconfig);

// Returns the exit status: kOk; kDegraded when some node lacks the key in time, or the write
// failed; kUsage when the rotation is refused; kUnreachable when the API does not answer.
int rotate_key(const ApiAccess& access, const RotateOptions& options, std::ostream& out,
               std::ostream& complaints);

}  // namespace pellicle::ctl
