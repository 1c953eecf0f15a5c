// What an agent must be allowed to do with the Kubernetes API, and asking whether it is.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "agent/kube/http.h"

namespace pellicle {

struct Permission {
  const char* verb;
  const char* resource;           // of the core group
  const char* subresource = "";   // "status"
  const char* space = "";         // the namespace; empty: of the cluster
  const char* name = "";          // of the one object that is meant
  std::string to_string() const;  // "list secrets/cilium-ipsec-keys in kube-system"
};

// As the chart grants them (agent-rbac.yaml). A list or watch of one name, by fieldSelector, is
// authorized like a get of that name.
inline constexpr std::array kAgentPermissions = {
    Permission{"get", "nodes"},
    Permission{"list", "nodes"},
    Permission{"watch", "nodes"},
    Permission{"patch", "nodes", "status"},
    Permission{"get", "secrets", "", "kube-system", "cilium-ipsec-keys"},
    Permission{"list", "secrets", "", "kube-system", "cilium-ipsec-keys"},
    Permission{"watch", "secrets", "", "kube-system", "cilium-ipsec-keys"},
    Permission{"create", "events", "", "default"},
};

// A SelfSubjectAccessReview: asks the API server whether the client's account has the permission.
// It changes nothing. Every authenticated account may send it (ClusterRole system:basic-user).
Request access_review(const Permission& permission);

struct AccessAnswer {
  enum class Is : uint8_t { allowed, refused, unknown };
  Is is = Is::unknown;
  std::string sentence;  // why it is refused or not known
};
AccessAnswer access_answer(const Response& response);

}  // namespace pellicle
