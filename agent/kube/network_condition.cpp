#include "agent/kube/network_condition.h"

#include <nlohmann/json.hpp>

#include "agent/clock.h"
#include "agent/kube/api_json.h"
#include "agent/kube/list_watch.h"

namespace pellicle {
namespace {

constexpr std::chrono::seconds kPause{10};

}  // namespace

std::string network_available_patch(const std::string& now) {
  const nlohmann::json condition = {{"type", kNetworkUnavailableCondition},
                                    {"status", "False"},
                                    {"reason", "PellicleIsUp"},
                                    {"message", "Pellicle routes for the pods of this node"},
                                    {"lastHeartbeatTime", now},
                                    {"lastTransitionTime", now}};
  return nlohmann::json{{"status", {{"conditions", {condition}}}}}.dump();
}

NetworkCondition::NetworkCondition(boost::asio::io_context& io, ApiClient& client,
                                   const std::string& node_name, uint64_t seed, Callbacks callbacks)
    : client_(client),
      node_name_(node_name),
      seed_(seed),
      callbacks_(std::move(callbacks)),
      timer_(io) {}

void NetworkCondition::available() {
  if (std::exchange(busy_, true)) return;
  call_ = client_.request({.method = "PATCH",
                           .path = "/api/v1/nodes/" + node_name_ + "/status",
                           .content_type = "application/strategic-merge-patch+json",
                           .body = network_available_patch(now_text())},
                          [this](const Response& response) { answered(response); });
}

void NetworkCondition::answered(const Response& response) {
  std::chrono::milliseconds pause = kPause;
  if (response.status == 200 && response.error.empty()) {
    failures_ = 0;
    callbacks_.on_written();
  } else {
    callbacks_.on_trouble("clearing the condition NetworkUnavailable of Node " + node_name_ + ": " +
                          failure_sentence(response));
    pause = backoff(failures_++, seed_);
  }
  timer_.expires_after(pause);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) busy_ = false;
  });
}

}  // namespace pellicle
