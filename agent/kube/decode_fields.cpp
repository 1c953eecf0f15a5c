#include "agent/kube/decode_fields.h"

#include <nlohmann/json.hpp>

namespace pellicle {

using nlohmann::json;

const json& member(const json& object, const std::string& name) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

bool unset(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

std::optional<Annotation> annotation(const json& object, std::string_view name) {
  const auto& all = member(member(object, "metadata"), "annotations");
  for (const auto prefix : {kPrefix, kOldPrefix}) {
    const auto full = std::string(prefix) + std::string(name);
    const auto& value = member(all, full);
    if (unset(value)) continue;
    return Annotation{.field = "metadata.annotations[" + full + "]", .value = &value};
  }
  return std::nullopt;
}

std::optional<IpAddress> address(const json& value) {
  return value.is_string() ? IpAddress::parse(value.get_ref<const std::string&>()) : std::nullopt;
}

}  // namespace pellicle
