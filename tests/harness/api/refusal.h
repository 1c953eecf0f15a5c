// Every error of the API: an HTTP status and a Status object with a kube-apiserver's wording.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "tests/harness/api/resource.h"

namespace pellicle::api {

// Thrown when a request cannot be executed. Becomes the answer to the request, and reaches a test
// that called the fixture directly.
struct Refusal : std::runtime_error {
  Refusal(int http_code, std::string reason, const std::string& message, Json details = nullptr);

  int code;     // the HTTP status
  Json status;  // the Status object
  std::optional<std::chrono::seconds> retry_after;
};

// The attempted call, for the wording of a 403.
struct Attempt {
  std::string user, verb, resource, subresource, ns, name;
};

Refusal bad_request(const std::string& message);
Refusal unauthorized();
Refusal forbidden(const Attempt& attempt);
Refusal not_found(const ObjectKey& key);
Refusal no_such_path();
Refusal method_not_allowed();
Refusal not_acceptable();
Refusal unsupported_media_type();
Refusal already_exists(const ObjectKey& key);
Refusal conflict(const ObjectKey& key);
Refusal precondition_failed(const ObjectKey& key, const std::string& message);
Refusal invalid(const Resource& resource, const std::string& name, const std::string& field,
                const std::string& message);
Refusal expired(const std::string& message);
Refusal too_old(uint64_t asked, uint64_t oldest);    // a watch from a forgotten version
Refusal too_large(uint64_t asked, uint64_t newest);  // a list at a future version

// The answer of a fault on demand: any code, with the reason that a kube-apiserver gives for it.
Refusal refusal_for(int code, std::optional<std::chrono::seconds> retry_after,
                    const Attempt& attempt);

}  // namespace pellicle::api
