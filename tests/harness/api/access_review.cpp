#include "tests/harness/api/access_review.h"

#include "tests/harness/api/respond.h"

namespace pellicle::api {
namespace {

constexpr const char* kPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
constexpr Resource kReviews{"selfsubjectaccessreviews", "SelfSubjectAccessReview", false,
                            "authorization.k8s.io"};

Json sent_review(const Call& call) {
  Json review = Json::parse(call.request.body, nullptr, false);
  const std::string kind(kReviews.kind);
  if (!review.is_object() || review.value("kind", kind) != kind ||
      review.value("apiVersion", kReviews.api_version()) != kReviews.api_version()) {
    throw bad_request("the object provided does not match the expected " + kind + " of " +
                      kReviews.api_version());
  }
  const Json spec = review.value("spec", Json::object());
  if (spec.contains("resourceAttributes") == spec.contains("nonResourceAttributes")) {
    throw invalid(kReviews, "", "spec.resourceAttributes",
                  "Invalid value: \"null\": exactly one of nonResourceAttributes or "
                  "resourceAttributes must be specified");
  }
  return review;
}

std::string rbac_resource(const Json& attributes) {
  const std::string resource = attributes.value("resource", "");
  const std::string subresource = attributes.value("subresource", "");
  return subresource.empty() ? resource : resource + "/" + subresource;
}

}  // namespace

bool is_access_review(const Call& call) {
  return call.path == kPath;
}

Response access_review(const Access& access, const Call& call) {
  if (call.request.method != "POST") throw method_not_allowed();
  Json review = sent_review(call);
  const Json attributes = review["spec"].value("resourceAttributes", Json::object());
  const bool allowed =
      access.may(call.user, attributes.value("verb", ""), rbac_resource(attributes));
  review["kind"] = kReviews.kind;
  review["apiVersion"] = kReviews.api_version();
  review["metadata"] = {{"creationTimestamp", nullptr}};
  review["status"] = {{"allowed", allowed}};
  if (allowed) {
    review["status"]["reason"] =
        "RBAC: allowed by ClusterRoleBinding \"test\" of ClusterRole \"test\" to User \"" +
        call.user + "\"";
  }
  return json_response(201, review);
}

}  // namespace pellicle::api
