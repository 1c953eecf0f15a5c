// SelfSubjectAccessReview, as a kube-apiserver answers it.
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kReviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

Json review(const Json& attributes) {
  return {{"apiVersion", "authorization.k8s.io/v1"},
          {"kind", "SelfSubjectAccessReview"},
          {"spec", {{"resourceAttributes", attributes}}}};
}

Reply post(const ApiFixture& api, const Json& body, const std::string& token = kToken) {
  return fetch(api, {.method = "POST",
                     .target = kReviews,
                     .body = body.dump(),
                     .content_type = "application/json",
                     .token = token});
}

}  // namespace

TEST_CASE("a review says what its asker may do, subresources apart, and stores nothing") {
  const auto api = seeded();
  api->forbid(kUser, "patch", "nodes/status");
  const auto version = api->version();
  const Reply allowed = post(*api, review({{"verb", "patch"}, {"resource", "nodes"}}));
  CHECK(allowed.status == 201);
  CHECK(allowed.json()["kind"] == "SelfSubjectAccessReview");
  CHECK(allowed.json()["spec"]["resourceAttributes"]["verb"] == "patch");
  CHECK(allowed.json()["status"]["allowed"] == true);
  const Reply refused =
      post(*api, review({{"verb", "patch"}, {"resource", "nodes"}, {"subresource", "status"}}));
  CHECK(refused.status == 201);
  CHECK(refused.json()["status"] == Json{{"allowed", false}});
  CHECK(api->version() == version);
}

TEST_CASE("a review that asks nothing, comes from nobody or is another kind is refused") {
  const auto api = seeded();
  CHECK(post(*api, {{"kind", "SelfSubjectAccessReview"}, {"spec", Json::object()}}).status == 422);
  CHECK(post(*api, {{"kind", "Node"}}).status == 400);
  CHECK(post(*api, review({{"verb", "get"}}), "wrong").status == 401);
  CHECK(post(*api, review({{"verb", "get"}}), "").status == 403);
  CHECK(get(*api, kReviews).status == 405);
}

}  // namespace this_file
