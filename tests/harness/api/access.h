// Authentication and authorization. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "tests/harness/api/call.h"

namespace pellicle::api {

class Access {
 public:
  void allow_token(const std::string& token, const std::string& user);
  void revoke_token(const std::string& token);

  // Users may do everything until something is forbidden. `resource` is named as in RBAC, "nodes"
  // and "nodes/status" apart; "*" stands for every verb or resource.
  void forbid(const std::string& user, const std::string& verb, const std::string& resource);
  void permit(const std::string& user, const std::string& verb, const std::string& resource);

  // The user of the bearer token, else of the client certificate, else system:anonymous. Throws
  // Refusal (401) for an unknown token.
  std::string user_of(const Request& request,
                      const std::optional<std::string>& certificate_user) const;

  // What check() goes by. `resource` as RBAC has it.
  bool may(const std::string& user, const std::string& verb, const std::string& resource) const;

  // Throws Refusal (403). Anonymous callers may read /version and the health of the server.
  void check(const Call& call) const;

 private:
  std::map<std::string, std::string> users_;  // by token
  std::set<std::tuple<std::string, std::string, std::string>> forbidden_;
};

}  // namespace pellicle::api
