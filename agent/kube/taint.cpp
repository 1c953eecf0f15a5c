#include "agent/kube/taint.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/kube/list_watch.h"

namespace pellicle {
namespace {

using nlohmann::json;

bool is_ours(const json& taint) {
  return taint.is_object() && taint.value("key", json()) == kNotReadyTaint;
}

// spec.taints; null if there are none.
json taints_of(const json& node) {
  const json::json_pointer path("/spec/taints");
  return node.is_object() && node.contains(path) ? node[path] : json();
}

std::string replacing(const json& node, const json& taints) {
  const json::json_pointer path("/metadata/resourceVersion");
  return json{{"metadata", {{"resourceVersion", node.contains(path) ? node[path] : json()}}},
              {"spec", {{"taints", taints.empty() ? json() : taints}}}}
      .dump();
}

}  // namespace

std::optional<std::string> untaint_patch(std::string_view node) {
  const auto parsed = json::parse(node, nullptr, /*allow_exceptions=*/false);
  const auto taints = taints_of(parsed);
  if (!taints.is_array()) return std::nullopt;
  json rest = json::array();
  std::copy_if(taints.begin(), taints.end(), std::back_inserter(rest),
               [](const json& taint) { return !is_ours(taint); });
  if (rest.size() == taints.size()) return std::nullopt;
  return replacing(parsed, rest);
}

std::optional<std::string> taint_patch(std::string_view node) {
  const auto parsed = json::parse(node, nullptr, /*allow_exceptions=*/false);
  auto taints = taints_of(parsed);
  if (!parsed.is_object() || (!taints.is_array() && !taints.is_null())) return std::nullopt;
  if (std::any_of(taints.begin(), taints.end(), is_ours)) return std::nullopt;
  taints.push_back({{"key", kNotReadyTaint}, {"value", "true"}, {"effect", "NoSchedule"}});
  return replacing(parsed, taints);
}

TaintWriter::TaintWriter(boost::asio::io_context& io, ApiClient& client,
                         const std::string& node_name, uint64_t seed, Callbacks callbacks)
    : client_(client),
      path_("/api/v1/nodes/" + node_name),
      seed_(seed),
      callbacks_(std::move(callbacks)),
      timer_(io) {}

void TaintWriter::begin(Patch patch) {
  if (std::exchange(busy_, true)) return;
  patch_ = patch;
  ask();
}

// Reads the current Node: its other taints change, and the store does not keep them.
void TaintWriter::ask() {
  call_ = client_.request({.path = path_}, [this](const Response& response) { got(response); });
}

void TaintWriter::got(const Response& response) {
  if (response.status != 200 || !response.error.empty()) return fail(response);
  const auto body = patch_(response.body);
  if (!body) {
    busy_ = false;
    return callbacks_.on_done(/*written=*/false);
  }
  call_ = client_.request({.method = "PATCH",
                           .path = path_,
                           .content_type = "application/strategic-merge-patch+json",
                           .body = *body},
                          [this](const Response& answer) { patched(answer); });
}

void TaintWriter::patched(const Response& response) {
  if (response.status != 200 || !response.error.empty()) return fail(response);
  failures_ = 0;
  busy_ = false;
  callbacks_.on_done(/*written=*/true);
}

void TaintWriter::fail(const Response& response) {
  const auto sentence =
      std::string("changing the taint ") + kNotReadyTaint + ": " + failure_sentence(response);
  if (response.status == 403 || response.status == 404) {
    busy_ = false;
    if (response.status == 404) return callbacks_.on_done(/*written=*/false);  // the Node is gone
    return callbacks_.on_forbidden(sentence);
  }
  // 409: the Node changed in between, which is no error.
  if (response.status != 409) callbacks_.on_trouble(sentence);
  timer_.expires_after(backoff(failures_++, seed_));
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) ask();
  });
}

}  // namespace pellicle
