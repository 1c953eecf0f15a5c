#include "tests/harness/api/selector.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "tests/harness/api/refusal.h"

namespace pellicle::api {
namespace {

// The fields that a kube-apiserver indexes: metadata.* of everything, and one field per kind.
bool selectable(const Resource& resource, const std::string& field) {
  if (field == "metadata.name") return true;
  if (resource.plural == kNodes.plural) return field == "spec.unschedulable";
  return field == "metadata.namespace" || field == "type";
}

Requirement requirement(const std::string& text, bool label) {
  using Op = Requirement::Operator;
  const size_t differs = text.find("!=");
  if (differs != std::string::npos)
    return {label, text.substr(0, differs), Op::differs, text.substr(differs + 2)};
  const size_t equals = text.find('=');
  if (equals != std::string::npos) {
    const size_t value = text.find_first_not_of('=', equals);
    return {label, text.substr(0, equals), Op::equals,
            value == std::string::npos ? "" : text.substr(value)};
  }
  if (!label || text.find_first_of(" ()") != std::string::npos)
    throw bad_request("invalid selector: '" + text + "'; can't understand it");
  if (text.starts_with("!")) return {label, text.substr(1), Op::absent, ""};
  return {label, text, Op::exists, ""};
}

std::optional<std::string> value_at(const Json& object, const Requirement& want) {
  if (want.label) {
    const Json labels = object.value("metadata", Json::object()).value("labels", Json::object());
    if (!labels.contains(want.name)) return std::nullopt;
    return labels.value(want.name, "");
  }
  const Json* at = &object;
  std::istringstream path(want.name);
  for (std::string step; std::getline(path, step, '.');) {
    if (!at->is_object() || !at->contains(step))
      return want.name == "spec.unschedulable" ? "false" : "";
    at = &(*at)[step];
  }
  return at->is_string() ? at->get<std::string>() : at->dump();
}

bool holds(const Requirement& want, const std::optional<std::string>& have) {
  switch (want.op) {
    case Requirement::Operator::equals:
      return have == want.value;
    case Requirement::Operator::differs:
      return have != want.value;
    case Requirement::Operator::exists:
      return have.has_value();
    case Requirement::Operator::absent:
      return !have.has_value();
  }
  return false;
}

}  // namespace

Selector::Selector(const Resource& resource, const std::string& fields, const std::string& labels) {
  const auto unsupported = [&](const std::string& field) {
    return bad_request("Unable to find \"/v1, Resource=" + std::string(resource.plural) +
                       "\" that match label selector \"" + labels + "\", field selector \"" +
                       fields + "\": field label not supported: " + field);
  };
  for (const bool label : {false, true}) {
    std::istringstream parts(label ? labels : fields);
    for (std::string part; std::getline(parts, part, ',');) {
      if (part.empty()) continue;
      requirements_.push_back(requirement(part, label));
      const std::string& name = requirements_.back().name;
      if (!label && !selectable(resource, name)) throw unsupported(name);
    }
  }
}

bool Selector::matches(const Json& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const Requirement& want) { return holds(want, value_at(object, want)); });
}

}  // namespace pellicle::api
