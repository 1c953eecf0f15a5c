#include "tools/operator/lease_owner.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "agent/kube/base64.h"

namespace pellicle {
namespace {

using nlohmann::json;

// Base64url without padding, as in tokens.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  standard.append((4 - standard.size() % 4) % 4, '=');
  return from_base64(standard);
}

std::string text_at(const json& claims, const char* pointer) {
  const json::json_pointer path(pointer);
  const auto found = claims.contains(path) ? claims[path] : json();
  return found.is_string() ? found.get<std::string>() : "";
}

}  // namespace

LeaseNotes::Owner lease_owner(std::string_view token, std::string_view lease_space) {
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return {};
  const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
  const auto claims = json::parse(payload.value_or(""), nullptr, /*allow_exceptions=*/false);
  if (!claims.is_object() || text_at(claims, "/kubernetes.io/namespace") != lease_space) return {};
  LeaseNotes::Owner owner{.kind = "ServiceAccount",
                          .name = text_at(claims, "/kubernetes.io/serviceaccount/name"),
                          .uid = text_at(claims, "/kubernetes.io/serviceaccount/uid")};
  return owner.uid.empty() ? LeaseNotes::Owner{} : owner;
}

}  // namespace pellicle
