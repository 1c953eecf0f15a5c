#include "tests/harness/api/call.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>
#include <vector>

#include "tests/harness/api/encoding.h"

namespace pellicle::api {
namespace {

std::map<std::string, std::string> parameters_of(const std::string& query) {
  std::map<std::string, std::string> result;
  std::istringstream pairs(query);
  for (std::string pair; std::getline(pairs, pair, '&');) {
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string value = equals < pair.size() ? pair.substr(equals + 1) : "";
    result.emplace(percent_decoded(pair.substr(0, equals), true), percent_decoded(value, true));
  }
  return result;
}

std::vector<std::string> segments_of(const std::string& path) {
  std::vector<std::string> result;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');)
    if (!part.empty()) result.push_back(percent_decoded(part, false));
  return result;
}

// /api/v1/ or /apis/GROUP/v1/, then [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]]
void read_path(Call& call, const std::string& path) {
  std::vector<std::string> parts = segments_of(path);
  for (const std::string& part : parts) call.path += "/" + part;
  std::string group;
  if (parts.size() > 3 && parts[0] == "apis") {
    group = parts[1];
    parts.erase(parts.begin() + 1);
  } else if (!parts.empty() && parts[0] != "api") {
    return;
  }
  if (parts.size() < 3 || parts[1] != "v1") return;
  parts.erase(parts.begin(), parts.begin() + 2);
  if (parts.size() > 2 && parts[0] == "namespaces") {
    call.key.ns = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  const Resource* resource = find_resource(parts[0]);
  if (resource == nullptr || resource->group != group || parts.size() > 3) return;
  if (resource->namespaced ? call.key.ns.empty() && parts.size() > 1 : !call.key.ns.empty()) return;
  if (parts.size() == 3 && !(resource == &kNodes && parts[2] == "status")) return;
  call.resource = resource;
  call.key.resource = resource->plural;
  if (parts.size() > 1) call.key.name = parts[1];
  if (parts.size() > 2) call.subresource = parts[2];
}

std::string verb_of(const Call& call) {
  const std::string& method = call.request.method;
  const bool named = !call.key.name.empty();
  if (call.resource != nullptr) {
    if (method == "GET") return named ? "get" : call.flag("watch") ? "watch" : "list";
    if (method == "POST" && !named) return "create";
    if (method == "PUT" && named) return "update";
    if (method == "PATCH" && named) return "patch";
    if (method == "DELETE") return named ? "delete" : "deletecollection";
  }
  std::string lower = method;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return lower;
}

}  // namespace

Call read_call(Request request) {
  Call call;
  const size_t question = std::min(request.target.find('?'), request.target.size());
  if (question < request.target.size()) call.query = request.target.substr(question + 1);
  call.parameters = parameters_of(call.query);
  read_path(call, request.target.substr(0, question));
  call.request = std::move(request);
  call.verb = verb_of(call);
  return call;
}

std::string Call::target_resource() const {
  return subresource.empty() ? key.resource : key.resource + "/" + subresource;
}

Attempt Call::attempt() const {
  return {.user = user,
          .verb = verb,
          .resource = key.resource,
          .subresource = subresource,
          .ns = key.ns,
          .name = key.name};
}

std::string Call::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

bool Call::flag(const std::string& name) const {
  const std::string value = parameter(name);
  return value == "1" || value == "true";
}

bool Call::can_gunzip() const {
  return request.accept_encoding.find("gzip") != std::string::npos;
}

std::optional<uint64_t> Call::number(const std::string& name) const {
  const std::string text = parameter(name);
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw bad_request(name + ": Invalid value: \"" + text + "\": strconv.ParseUint: parsing \"" +
                      text + "\": invalid syntax");
  return value;
}

}  // namespace pellicle::api
