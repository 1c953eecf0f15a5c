// Is the Kubernetes API reached, and may the agent do there what it has to?
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/kube/access.h"
#include "agent/kube/permissions.h"
#include "agent/preflight/finding.h"

namespace pellicle {

// The agent's own credentials: the kubeconfig of its settings, else its pod's service account.
// None, and `obstacle` says why: it is no pod, and no kubeconfig is named. Throws AccessError.
std::optional<ApiAccess> agent_access(const std::string& kubeconfig, const std::string& host,
                                      const std::string& port, std::string& obstacle);

// One answer for each of kAgentPermissions, in their order. Takes ten seconds at most.
std::vector<Response> ask_permissions(const ApiAccess& access);

// `server`: "https://10.96.0.1:443".
Findings judge_api(const std::string& server, const std::vector<Response>& answers);
// The API is not asked.
Finding judge_api_skipped(const std::string& why, Verdict verdict);

}  // namespace pellicle
