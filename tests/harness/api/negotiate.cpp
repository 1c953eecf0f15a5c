#include "tests/harness/api/negotiate.h"

#include <sstream>

namespace pellicle::api {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

struct Clause {
  std::string type;                           // "application/json"
  std::map<std::string, std::string> values;  // "as", "g", "v"
};

std::vector<Clause> clauses_of(const std::string& accept) {
  std::vector<Clause> clauses;
  std::istringstream all(accept);
  for (std::string text; std::getline(all, text, ',');) {
    std::istringstream parts(text);
    Clause clause;
    std::getline(parts, clause.type, ';');
    clause.type = trimmed(clause.type);
    for (std::string part; std::getline(parts, part, ';');) {
      const auto equals = part.find('=');
      if (equals != std::string::npos)
        clause.values[trimmed(part.substr(0, equals))] = trimmed(part.substr(equals + 1));
    }
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

bool is_json(const std::string& type) {
  return type == "application/json" || type == "application/*" || type == "*/*";
}

// A kube-apiserver chooses a clause by the group and version of its form, and looks only then
// whether the answer is a list.
void check_form(const Call& call, const std::string& form) {
  const bool list = call.verb == "list";
  if (form == (list ? "PartialObjectMetadataList" : "PartialObjectMetadata")) return;
  throw Refusal(406, "NotAcceptable",
                "you requested " + form + ", but the requested object is " +
                    (list ? "a list" : "not a list") + " (" + std::string(call.resource->kind) +
                    (list ? "List)" : ")"));
}

}  // namespace

bool wants_metadata(const Call& call, MetadataServed served) {
  if (call.request.accept.empty()) return false;
  for (const auto& clause : clauses_of(call.request.accept)) {
    if (!is_json(clause.type)) continue;
    const auto form = clause.values.find("as");
    if (form == clause.values.end()) return false;
    if (served == MetadataServed::refused) break;
    if (served == MetadataServed::ignored) continue;
    const auto value = [&](const char* name) {
      const auto found = clause.values.find(name);
      return found == clause.values.end() ? "" : found->second;
    };
    const bool known = form->second.starts_with("PartialObjectMetadata");
    if (!known || value("g") != "meta.k8s.io" || value("v") != "v1") continue;
    check_form(call, form->second);
    return true;
  }
  throw not_acceptable();
}

Json metadata_of(const Json& object) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", object["metadata"]}};
}

}  // namespace pellicle::api
