#include "agent/kube/taint.h"

#include <nlohmann/json.hpp>

#include "agent/kube/list_watch.h"

namespace pellicle {

using nlohmann::json;

std::optional<std::string> untaint_patch(std::string_view node) {
  const auto parsed = json::parse(node, nullptr, /*allow_exceptions=*/false);
  const auto at = [&](const char* pointer) {
    const json::json_pointer path(pointer);
    return parsed.is_object() && parsed.contains(path) ? parsed[path] : json();
  };
  const auto taints = at("/spec/taints");
  if (!taints.is_array()) return std::nullopt;
  json rest = json::array();
  for (const auto& taint : taints) {
    if (!taint.is_object() || taint.value("key", json()) != kNotReadyTaint) rest.push_back(taint);
  }
  if (rest.size() == taints.size()) return std::nullopt;
  return json{{"metadata", {{"resourceVersion", at("/metadata/resourceVersion")}}},
              {"spec", {{"taints", rest.empty() ? json() : rest}}}}
      .dump();
}

TaintRemoval::TaintRemoval(boost::asio::io_context& io, ApiClient& client, std::string node_name,
                           uint64_t seed, Callbacks callbacks)
    : client_(client),
      path_("/api/v1/nodes/" + std::move(node_name)),
      seed_(seed),
      callbacks_(std::move(callbacks)),
      timer_(io) {}

// The Node as it is now: its other taints come and go, and the store does not keep them.
void TaintRemoval::remove() {
  if (std::exchange(busy_, true)) return;
  call_ = client_.request({.path = path_}, [this](const Response& response) { got(response); });
}

void TaintRemoval::got(const Response& response) {
  if (response.status != 200 || !response.error.empty()) return wait(response);
  const auto patch = untaint_patch(response.body);
  if (!patch) {
    busy_ = false;
    return;
  }
  call_ = client_.request({.method = "PATCH",
                           .path = path_,
                           .content_type = "application/strategic-merge-patch+json",
                           .body = *patch},
                          [this](const Response& answer) { patched(answer); });
}

void TaintRemoval::patched(const Response& response) {
  if (response.status != 200 || !response.error.empty()) return wait(response);
  failures_ = 0;
  busy_ = false;
  callbacks_.on_removed();
}

void TaintRemoval::wait(const Response& response) {
  // 409: the Node changed in between, which is no trouble.
  if (response.status != 409) {
    callbacks_.on_trouble(std::string("taking off the taint ") + kNotReadyTaint + ": " +
                          failure_sentence(response));
  }
  timer_.expires_after(backoff(failures_++, seed_));
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    busy_ = false;
    remove();
  });
}

}  // namespace pellicle
