// SelfSubjectAccessReview: a client asks for its own permissions. Nothing is stored. Pure.
#pragma once

#include "tests/harness/api/access.h"
#include "tests/harness/api/message.h"

namespace pellicle::api {

bool is_access_review(const Call& call);

// 201 with the review and status.allowed. Throws Refusal: 405 for a method other than POST, 403 for
// an unauthenticated client, 400 and 422 for a body that is not a review.
Response access_review(const Access& access, const Call& call);

}  // namespace pellicle::api
