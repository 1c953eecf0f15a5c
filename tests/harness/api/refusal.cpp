#include "tests/harness/api/refusal.h"

namespace pellicle::api {
namespace {

Json details_of(const ObjectKey& key) {
  return {{"name", key.name}, {"kind", key.resource}};
}

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

}  // namespace

Refusal::Refusal(int http_code, std::string reason, const std::string& message, Json details)
    : std::runtime_error(message),
      code(http_code),
      status({{"kind", "Status"},
              {"apiVersion", "v1"},
              {"metadata", Json::object()},
              {"status", "Failure"},
              {"message", message},
              {"reason", std::move(reason)},
              {"code", http_code}}) {
  if (!details.is_null()) status["details"] = std::move(details);
}

Refusal bad_request(const std::string& message) {
  return {400, "BadRequest", message};
}

Refusal unauthorized() {
  return {401, "Unauthorized", "Unauthorized"};
}

Refusal forbidden(const Attempt& attempt) {
  const std::string resource =
      attempt.resource + (attempt.subresource.empty() ? "" : "/" + attempt.subresource);
  const std::string object =
      attempt.resource + (attempt.name.empty() ? "" : " " + quoted(attempt.name));
  const std::string scope =
      attempt.ns.empty() ? "at the cluster scope" : "in the namespace " + quoted(attempt.ns);
  const Resource* served = find_resource(attempt.resource);
  const std::string group(served == nullptr ? "" : served->group);
  Json details = {{"kind", attempt.resource}};
  if (!attempt.name.empty()) details["name"] = attempt.name;
  return {403, "Forbidden",
          object + " is forbidden: User " + quoted(attempt.user) + " cannot " + attempt.verb +
              " resource " + quoted(resource) + " in API group \"" + group + "\" " + scope,
          details};
}

Refusal not_found(const ObjectKey& key) {
  return {404, "NotFound", key.resource + " " + quoted(key.name) + " not found", details_of(key)};
}

Refusal no_such_path() {
  return {404, "NotFound", "the server could not find the requested resource", Json::object()};
}

Refusal method_not_allowed() {
  return {405, "MethodNotAllowed",
          "the server does not allow this method on the requested resource", Json::object()};
}

Refusal not_acceptable() {
  return {406, "NotAcceptable", "only the following media types are accepted: application/json"};
}

Refusal unsupported_media_type() {
  return {415, "UnsupportedMediaType", "415: Unsupported Media Type", Json::object()};
}

Refusal already_exists(const ObjectKey& key) {
  return {409, "AlreadyExists", key.resource + " " + quoted(key.name) + " already exists",
          details_of(key)};
}

Refusal conflict(const ObjectKey& key) {
  return precondition_failed(key,
                             "the object has been modified; please apply your changes to the "
                             "latest version and try again");
}

Refusal precondition_failed(const ObjectKey& key, const std::string& message) {
  return {
      409, "Conflict",
      "Operation cannot be fulfilled on " + key.resource + " " + quoted(key.name) + ": " + message,
      details_of(key)};
}

Refusal invalid(const Resource& resource, const std::string& name, const std::string& field,
                const std::string& message) {
  const std::string kind(resource.kind);
  return {422, "Invalid", kind + " " + quoted(name) + " is invalid: " + field + ": " + message,
          Json{{"name", name},
               {"kind", kind},
               {"causes",
                Json::array(
                    {{{"reason", "FieldValueInvalid"}, {"message", message}, {"field", field}}})}}};
}

Refusal expired(const std::string& message) {
  return {410, "Expired", message};
}

Refusal too_old(uint64_t asked, uint64_t oldest) {
  return expired("too old resource version: " + std::to_string(asked) + " (" +
                 std::to_string(oldest) + ")");
}

Refusal too_large(uint64_t asked, uint64_t newest) {
  Refusal refusal(504, "Timeout",
                  "Timeout: Too large resource version: " + std::to_string(asked) +
                      ", current: " + std::to_string(newest),
                  Json{{"causes", Json::array({{{"reason", "ResourceVersionTooLarge"},
                                                {"message", "Too large resource version"}}})},
                       {"retryAfterSeconds", 1}});
  refusal.retry_after = std::chrono::seconds(1);
  return refusal;
}

Refusal refusal_for(int code, std::optional<std::chrono::seconds> retry_after,
                    const Attempt& attempt) {
  Refusal refusal = [&]() -> Refusal {
    switch (code) {
      case 401:
        return unauthorized();
      case 403:
        return forbidden(attempt);
      case 404:
        return no_such_path();
      case 409:
        return {409, "Conflict", "Operation cannot be fulfilled"};
      case 410:
        return expired("The resourceVersion for the provided list is too old.");
      case 429:
        return {429, "TooManyRequests", "Too many requests, please try again later.",
                Json::object()};
      case 503:
        return {503, "ServiceUnavailable", "the server is currently unable to handle the request"};
      case 504:
        return {504, "Timeout", "Timeout: request did not complete within the allotted timeout"};
      default:
        return {code, "InternalError", "Internal error occurred: a fault on demand"};
    }
  }();
  refusal.retry_after = retry_after;
  if (retry_after) refusal.status["details"]["retryAfterSeconds"] = retry_after->count();
  return refusal;
}

}  // namespace pellicle::api
