#include "tools/operator/assigner.h"

#include <algorithm>
#include <tuple>

#include "agent/kube/list_watch.h"
#include "tools/operator/node_view.h"

namespace pellicle {

namespace {

// A kube-apiserver answers this many in parallel without effort. Each answer adds one, and a
// failure reduces them to one: each abandoned request costs a new connection, so that a slow server
// or machine would otherwise never complete any.
constexpr size_t kAtOnce = 10;

using Steady = std::chrono::steady_clock;

}  // namespace

Assigner::Assigner(boost::asio::io_context& io, ApiClient& client, std::chrono::milliseconds limit,
                   uint64_t seed, Callbacks callbacks)
    : client_(client), limit_(limit), seed_(seed), callbacks_(std::move(callbacks)), timer_(io) {}

void Assigner::assign(const std::vector<Assignment>& missing) {
  std::set<std::string> names;
  for (const auto& assignment : missing) names.insert(assignment.node.name);
  std::erase_if(settled_, [&](const auto& each) { return !names.contains(each.first); });
  std::erase_if(failures_, [&](const auto& each) { return !names.contains(each.first); });
  for (const auto& assignment : missing) {
    const auto& name = assignment.node.name;
    if (calls_.size() >= window_ || drained_ || !callbacks_.may_act(limit_)) break;
    if (!calls_.contains(name) && !rests(assignment)) send(assignment);
  }
  wake_at_first();
}

void Assigner::send(const Assignment& assignment) {
  calls_[assignment.node.name] = client_.request(
      assignment_request(assignment, limit_),
      [this, assignment](const Response& response) { answered(assignment, response); });
}

void Assigner::answered(const Assignment& assignment, const Response& response) {
  const auto name = assignment.node.name;
  calls_.erase(name);
  if (response.status == 200 && response.error.empty()) {
    // Not sent again: the watch will show it.
    settled_[name] = assignment.node.version;
    failures_.erase(name);
    window_ = std::min(kAtOnce, window_ + 1);
    callbacks_.on_assigned(assignment);
  } else {
    fail(assignment, response);
  }
  if (drained_ && calls_.empty()) return drained_();
  callbacks_.on_retry();
}

// 409, 422, 404: the Node has changed since it was seen, has PodCIDRs from another program, or is
// gone. The watch shows which, and a Node that it shows anew is served at once.
void Assigner::fail(const Assignment& assignment, const Response& response) {
  const bool refused = response.status == 409 || response.status == 422 || response.status == 404;
  auto& failure = failures_[assignment.node.name];
  auto delay = backoff(failure.count++, seed_);
  if (response.retry_after) {
    delay = std::max<std::chrono::milliseconds>(delay, *response.retry_after);
  }
  failure.until = Steady::now() + delay;
  failure.version = assignment.node.version;
  const auto sentence = failure_sentence(response);
  if (refused) return callbacks_.on_refused(assignment, sentence);
  window_ = 1;
  callbacks_.on_trouble(assignment, sentence);
}

// True while it must not be sent again: it was written and the watch will show it, or it failed and
// waits.
bool Assigner::rests(const Assignment& assignment) const {
  const auto& [name, version] = std::tie(assignment.node.name, assignment.node.version);
  const auto settled = settled_.find(name);
  if (settled != settled_.end() && settled->second == version) return true;
  const auto failure = failures_.find(name);
  return failure != failures_.end() && failure->second.version == version &&
         Steady::now() < failure->second.until;
}

void Assigner::wake_at_first() {
  std::optional<Steady::time_point> first;
  for (const auto& [name, failure] : failures_) {
    // An expired wait is blocked by the window, which the next answer opens.
    if (failure.until <= Steady::now()) continue;
    if (!calls_.contains(name) && (!first || failure.until < *first)) first = failure.until;
  }
  if (!first) return;
  timer_.expires_at(*first);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) callbacks_.on_retry();
  });
}

void Assigner::drain(std::function<void()> done) {
  timer_.cancel();
  drained_ = std::move(done);
  if (calls_.empty()) drained_();
}

}  // namespace pellicle
