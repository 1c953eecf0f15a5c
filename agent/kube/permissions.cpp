#include "agent/kube/permissions.h"

#include <nlohmann/json.hpp>

namespace pellicle {

std::string Permission::to_string() const {
  std::string text = std::string(verb) + " " + resource;
  for (const std::string part : {subresource, name}) text += part.empty() ? "" : "/" + part;
  return *space ? text + " in " + space : text;
}

Request access_review(const Permission& permission) {
  auto attributes = nlohmann::json::object();
  const auto add = [&](const char* field, const char* value) {
    if (*value) attributes[field] = value;
  };
  add("verb", permission.verb);
  add("resource", permission.resource);
  add("subresource", permission.subresource);
  add("namespace", permission.space);
  add("name", permission.name);
  const nlohmann::json review = {{"apiVersion", "authorization.k8s.io/v1"},
                                 {"kind", "SelfSubjectAccessReview"},
                                 {"spec", {{"resourceAttributes", attributes}}}};
  return {.method = "POST",
          .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
          .content_type = "application/json",
          .body = review.dump()};
}

AccessAnswer access_answer(const Response& response) {
  using Is = AccessAnswer::Is;
  if (response.status != 201 && response.status != 200) {
    return {Is::unknown, failure_sentence(response)};
  }
  const auto body = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  const auto allowed = nlohmann::json::json_pointer("/status/allowed");
  if (!body.is_object() || !body.contains(allowed) || !body[allowed].is_boolean()) {
    return {Is::unknown, "the answer has no status.allowed"};
  }
  if (body[allowed].get<bool>()) return {Is::allowed, ""};
  const auto& status = body["status"];
  const auto reason = status.find("reason");
  return {Is::refused,
          reason != status.end() && reason->is_string() ? reason->get<std::string>() : ""};
}

}  // namespace pellicle
