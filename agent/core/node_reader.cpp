#include "agent/core/node_reader.h"

#include <algorithm>

#include "agent/kube/watcher.h"

namespace pellicle {

NodeReader::NodeReader(boost::asio::io_context& context, ApiClient& client, Store& store,
                       Callbacks callbacks, ReadingRate rate)
    : client_(client),
      store_(store),
      callbacks_(std::move(callbacks)),
      rate_(rate),
      timer_(context),
      seed_(random_seed()) {}

void NodeReader::look() {
  const auto unclear = store_.unclear();
  std::erase_if(readings_, [&](const auto& each) {
    if (unclear.contains(each.first)) return false;
    if (each.second.busy) --busy_;
    return true;
  });
  if (unclear.empty()) return trouble("");
  const auto now = std::chrono::steady_clock::now();
  auto next = Time::max();
  for (const auto& [name, node] : unclear) {
    auto& reading = readings_[name];
    if (!wanted(reading, node.version)) continue;
    const auto at = due(reading, node.rival);
    if (at > now) {
      next = std::min(next, at);
    } else if (busy_ < rate_.at_once) {
      read(name, node.version, reading);
    }
  }
  if (next != Time::max()) look_at(next);
}

bool NodeReader::wanted(const Reading& reading, const std::string& version) {
  if (reading.busy) return false;
  return !reading.done || (!version.empty() && reading.version != version);
}

NodeReader::Time NodeReader::due(const Reading& reading, bool rival) const {
  const bool soon = rival && reading.failures == 0;
  return reading.at + (soon ? std::min(reading.wait, rate_.first) : reading.wait);
}

// Not older than `version`: the server may answer from its cache, and nothing goes back in time.
void NodeReader::read(const std::string& name, const std::string& version, Reading& reading) {
  Request request{.path = "/api/v1/nodes/" + name};
  if (!version.empty()) request.query = {{"resourceVersion", version}};
  reading.busy = true;
  ++busy_;
  reading.call = client_.request(request, [this, name, version](const Response& response) {
    answered(name, version, response);
  });
}

void NodeReader::answered(const std::string& name, const std::string& version,
                          const Response& response) {
  const auto found = readings_.find(name);
  if (found == readings_.end()) return;
  auto& reading = found->second;
  reading.busy = false;
  --busy_;
  const bool missing = response.status == 404;
  const auto object = missing ? std::nullopt : decode_object(response.body);
  if (!missing && (response.status != 200 || !response.error.empty() || !object)) {
    failed(reading, name, response);
    return look();
  }
  overload_.ended();
  trouble("");
  reading.version = object ? version_of(*object) : version;
  reading.failures = 0;
  const bool first = !std::exchange(reading.done, true);
  const bool changed = store_.node_read(name, object);
  reading.wait = first || changed ? rate_.first : std::min(2 * reading.wait, rate_.longest);
  reading.at = std::chrono::steady_clock::now();
  if (changed) callbacks_.on_change(name);
  look();
}

void NodeReader::failed(Reading& reading, const std::string& name, const Response& response) {
  auto delay = backoff(reading.failures++, seed_);
  if (response.retry_after) {
    delay = std::max<std::chrono::milliseconds>(delay, *response.retry_after);
  }
  reading.at = std::chrono::steady_clock::now();
  reading.wait = delay;
  if (overload_.excuses(response.status, std::chrono::system_clock::now())) return;
  const bool good = response.status == 200 && response.error.empty();
  trouble("Node " + name + ": " +
          (good ? "the answer is not a Kubernetes object" : failure_sentence(response)));
}

void NodeReader::trouble(const std::string& sentence) {
  if (sentence == trouble_) return;
  trouble_ = sentence;
  callbacks_.on_trouble(sentence);
}

void NodeReader::look_at(Time time) {
  timer_.expires_at(time);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) look();
  });
}

}  // namespace pellicle
