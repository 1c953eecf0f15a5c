#include "tests/harness/api/access.h"

#include <algorithm>

namespace pellicle::api {
namespace {

constexpr const char* kAnonymous = "system:anonymous";

bool public_path(const std::string& path) {
  return path == "/version" || path == "/healthz" || path == "/readyz" || path == "/livez";
}

}  // namespace

void Access::allow_token(const std::string& token, const std::string& user) {
  users_[token] = user;
}

void Access::revoke_token(const std::string& token) {
  users_.erase(token);
}

void Access::forbid(const std::string& user, const std::string& verb, const std::string& resource) {
  forbidden_.emplace(user, verb, resource);
}

void Access::permit(const std::string& user, const std::string& verb, const std::string& resource) {
  forbidden_.erase({user, verb, resource});
}

std::string Access::user_of(const Request& request,
                            const std::optional<std::string>& certificate_user) const {
  constexpr std::string_view kBearer = "Bearer ";
  if (request.authorization.empty()) return certificate_user.value_or(kAnonymous);
  if (!request.authorization.starts_with(kBearer)) throw unauthorized();
  const auto found = users_.find(request.authorization.substr(kBearer.size()));
  if (found == users_.end()) throw unauthorized();
  return found->second;
}

void Access::check(const Call& call) const {
  if (call.resource == nullptr) {
    if (call.user != kAnonymous || public_path(call.path)) return;
    throw Refusal(
        403, "Forbidden",
        "forbidden: User \"" + call.user + "\" cannot " + call.verb + " path \"" + call.path + "\"",
        Json::object());
  }
  if (!may(call.user, call.verb, call.target_resource())) throw forbidden(call.attempt());
}

bool Access::may(const std::string& user, const std::string& verb,
                 const std::string& resource) const {
  const auto forbids = [&](const auto& rule) {
    const auto& [its_user, its_verb, its_resource] = rule;
    return its_user == user && (its_verb == "*" || its_verb == verb) &&
           (its_resource == "*" || its_resource == resource);
  };
  return user != kAnonymous && std::none_of(forbidden_.begin(), forbidden_.end(), forbids);
}

}  // namespace pellicle::api
