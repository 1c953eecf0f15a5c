#include "agent/kube/node_events.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/clock.h"

namespace pellicle {

namespace {

// Never cuts inside a UTF-8 character.
std::string shortened(std::string text) {
  if (text.size() <= kLongestMessage) return text;
  constexpr const char* kMore = "...";
  size_t end = kLongestMessage - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + kMore;
}

// True when a retry may succeed: no answer, or the server is busy or broken.
bool passing(const Response& response) {
  return !response.error.empty() || response.status == 429 || response.status >= 500;
}

}  // namespace

void EventFilter::forget(const std::vector<NodeEvent>& standing, Instant now) {
  const std::set<NodeEvent> stands(standing.begin(), standing.end());
  std::set<Subject> subjects;
  for (const auto& event : standing) subjects.insert({event.node, event.reason});
  for (auto at = silent_until_.begin(); at != silent_until_.end();) {
    const auto& event = at->first;
    const Subject subject{event.node, event.reason};
    if (stands.contains(event)) {
      ++at;
      continue;
    }
    if (manners_.tells_end && event.warning && !subjects.contains(subject)) {
      ended_[subject] = {.node = event.node,
                         .uid = event.uid,
                         .reason = kSolved,
                         .message = event.reason + " no longer",
                         .warning = false};
    }
    at = silent_until_.erase(at);
  }
  std::erase_if(ended_, [&](const auto& each) { return subjects.contains(each.first); });
  std::erase_if(similar_silent_until_, [&](const auto& each) { return each.second <= now; });
}

bool EventFilter::take_token() {
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

std::vector<NodeEvent> EventFilter::due(const std::vector<NodeEvent>& standing, Instant now) {
  forget(standing, now);
  const std::chrono::duration<double> since = now - filled_;
  const auto refill = std::chrono::duration<double>(manners_.refill);
  tokens_ = std::min<double>(kEventBurst, tokens_ + since / refill);
  filled_ = now;

  std::vector<NodeEvent> due;
  while (!ended_.empty() && take_token()) due.push_back(ended_.extract(ended_.begin()).mapped());
  for (const auto& event : std::set<NodeEvent>(standing.begin(), standing.end())) {
    const Subject subject{event.node, event.reason};
    const auto told = silent_until_.find(event);
    if (told != silent_until_.end() && now < told->second) continue;
    if (told == silent_until_.end() && similar_silent_until_.contains(subject)) continue;
    if (!take_token()) break;
    silent_until_[event] = now + manners_.again;
    if (manners_.similar.count() > 0) similar_silent_until_[subject] = now + manners_.similar;
    due.push_back(event);
  }
  return due;
}

void EventFilter::failed(const NodeEvent& event, Instant now) {
  const auto told = silent_until_.find(event);
  if (told != silent_until_.end()) told->second = std::min(told->second, now + manners_.retry);
}

Request event_request(const NodeEvent& event, const std::string& component, const std::string& host,
                      const std::string& now, uint64_t serial) {
  char suffix[20];
  std::snprintf(suffix, sizeof suffix, ".%016llx", static_cast<unsigned long long>(serial));
  const nlohmann::json body = {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", event.node + suffix}, {"namespace", "default"}}},
      {"involvedObject",
       {{"apiVersion", "v1"},
        {"kind", "Node"},
        {"name", event.node},
        {"uid", event.uid.empty() ? event.node : event.uid}}},
      {"type", event.warning ? "Warning" : "Normal"},
      {"reason", event.reason},
      {"message", shortened(event.message)},
      {"source", {{"component", component}, {"host", host}}},
      {"firstTimestamp", now},
      {"lastTimestamp", now},
      {"count", 1}};
  return {.method = "POST",
          .path = "/api/v1/namespaces/default/events",
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

void EventPoster::post(const std::vector<NodeEvent>& standing) {
  for (const auto& event : filter_.due(standing, std::chrono::steady_clock::now())) {
    const auto serial = ++serial_;
    calls_[serial] = client_.request(
        event_request(event, options_.component, options_.host, now_text(), serial),
        [this, serial, event](const Response& response) { answered(serial, event, response); });
  }
}

void EventPoster::answered(uint64_t serial, const NodeEvent& event, const Response& response) {
  const bool good = response.status == 201 && response.error.empty();
  if (!good && passing(response)) filter_.failed(event, std::chrono::steady_clock::now());
  const auto sentence = good ? "" : failure_sentence(response);
  if (!good && sentence != trouble_ && options_.on_trouble) options_.on_trouble(sentence);
  trouble_ = sentence;
  calls_.erase(serial);
}

}  // namespace pellicle
