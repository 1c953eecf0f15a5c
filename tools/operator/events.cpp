#include "tools/operator/events.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/clock.h"
#include "agent/log.h"

namespace pellicle {

std::vector<Finding> EventFilter::due(const std::vector<Finding>& findings, Instant now) {
  const std::set<Finding> standing(findings.begin(), findings.end());
  std::erase_if(told_, [&](const auto& each) { return !standing.contains(each.first); });
  const std::chrono::duration<double> since = now - filled_;
  tokens_ = std::min<double>(kBurst, tokens_ + since / std::chrono::duration<double>(kRefill));
  filled_ = now;
  std::vector<Finding> due;
  for (const auto& finding : standing) {
    const auto before = told_.find(finding);
    if (before != told_.end() && now < before->second + kAgain) continue;
    if (tokens_ < 1) break;
    tokens_ -= 1;
    told_[finding] = now;
    due.push_back(finding);
  }
  return due;
}

Request event_request(const Finding& finding, const std::string& host, const std::string& now,
                      uint64_t serial) {
  char suffix[20];
  std::snprintf(suffix, sizeof suffix, ".%016llx", static_cast<unsigned long long>(serial));
  const nlohmann::json event = {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", finding.node + suffix}, {"namespace", "default"}}},
      {"involvedObject",
       {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", finding.node}, {"uid", finding.uid}}},
      {"type", "Warning"},
      {"reason", finding.reason},
      {"message", finding.sentence},
      {"source", {{"component", "pellicle-operator"}, {"host", host}}},
      {"firstTimestamp", now},
      {"lastTimestamp", now},
      {"count", 1}};
  return {.method = "POST",
          .path = "/api/v1/namespaces/default/events",
          .content_type = "application/json",
          .body = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

void EventPoster::post(const std::vector<Finding>& findings) {
  for (const auto& finding : filter_.due(findings, std::chrono::steady_clock::now())) {
    const auto serial = ++serial_;
    calls_[serial] =
        client_.request(event_request(finding, host_, now_text(), serial),
                        [this, serial](const Response& response) {
                          calls_.erase(serial);
                          const bool good = response.status == 201 && response.error.empty();
                          const auto sentence = good ? "" : failure_sentence(response);
                          if (sentence != trouble_ && !good) {
                            log::warn("an event could not be posted", {{"error", sentence}});
                          }
                          trouble_ = sentence;
                        });
  }
}

}  // namespace pellicle
