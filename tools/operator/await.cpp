#include "tools/operator/await.h"

#include <nlohmann/json.hpp>

#include "agent/log.h"

namespace pellicle {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kBetween{2};

std::string path(const std::string& name) {
  const auto slash = name.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == name.size()) {
    throw std::runtime_error("await-daemonset " + name + ": expected NAMESPACE/NAME");
  }
  return "/apis/apps/v1/namespaces/" + name.substr(0, slash) + "/daemonsets/" +
         name.substr(slash + 1);
}

}  // namespace

std::string daemonset_progress(std::string_view daemonset) {
  const auto parsed = nlohmann::json::parse(daemonset, nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* pointer) -> int64_t {
    const nlohmann::json::json_pointer at(pointer);
    if (!parsed.is_object() || !parsed.contains(at) || !parsed[at].is_number_integer()) return -1;
    return parsed[at].get<int64_t>();
  };
  const auto wanted = number("/status/desiredNumberScheduled");
  const auto ready = number("/status/numberReady");
  const bool seen = number("/status/observedGeneration") >= number("/metadata/generation");
  if (wanted < 0 || !seen) return "its pods are not made yet";
  if (ready >= wanted) return "";
  return std::to_string(ready) + " of " + std::to_string(wanted) + " nodes are ready";
}

DaemonsetAwait::DaemonsetAwait(boost::asio::io_context& io, ApiClient& client,
                               const std::string& name, std::chrono::seconds limit,
                               std::function<void(int)> done)
    : client_(client),
      path_(path(name)),
      limit_(limit),
      end_(Steady::now() + limit),
      done_(std::move(done)),
      timer_(io) {}

void DaemonsetAwait::start() {
  call_ = client_.request({.path = path_}, [this](const Response& response) { got(response); });
}

void DaemonsetAwait::got(const Response& response) {
  const bool good = response.status == 200 && response.error.empty();
  const auto progress = good ? daemonset_progress(response.body) : failure_sentence(response);
  if (progress.empty()) {
    log::info("every node is ready", {{"daemonset", path_}});
    return done_(0);
  }
  if (std::exchange(told_, progress) != progress) log::info(progress, {{"daemonset", path_}});
  if (Steady::now() >= end_) {
    log::error("gave up", {{"daemonset", path_}, {"seconds", limit_.count()}, {"last", progress}});
    return done_(1);
  }
  timer_.expires_after(kBetween);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) start();
  });
}

}  // namespace pellicle
