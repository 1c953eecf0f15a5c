// SelfSubjectAccessReview: whoever is authenticated asks what it may do. Nothing is stored. Pure.
#pragma once

#include "tests/harness/api/access.h"
#include "tests/harness/api/message.h"

namespace pellicle::api {

bool is_access_review(const Call& call);

// 201 with the review and status.allowed. Throws Refusal: 405 for another method than POST, 403 for
// nobody, 400 and 422 for what is no review.
Response access_review(const Access& access, const Call& call);

}  // namespace pellicle::api
