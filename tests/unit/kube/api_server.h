// Shared by tests against a real HTTPS server: the server, a loop, and waiting for a condition.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>

#include "agent/kube/client.h"
#include "agent/kube/watcher.h"
#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"

namespace pellicle {

inline constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";

// The default backoffs would make these tests slow.
inline constexpr Pace kFast{.first_backoff = std::chrono::milliseconds(20),
                            .longest_backoff = std::chrono::milliseconds(200),
                            .quick_end = std::chrono::milliseconds(50)};

// A server with the seed's three Nodes, and an event loop for clients.
struct ApiServer {
  ApiFixture api;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};

  explicit ApiServer(const std::string& address = "127.0.0.1") : api(address) {
    api.allow_token("good", kUser);
    for (const auto& node : api::kSeedNodes) api.create(api::node_object(node));
  }
  ApiAccess access() const {
    return {.scheme_host_port = api.url(), .ca = {.text = api.ca_pem()}, .token = "good"};
  }

  // Runs the loop until `done` is true; false if it is not within `limit`.
  bool until(const std::function<bool()>& done,
             std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  Response ask(ApiClient& client, const Request& request) {
    std::optional<Response> answer;
    const auto call = client.request(request, [&](Response got) { answer = std::move(got); });
    CHECK_FALSE(answer);
    REQUIRE(until([&] { return answer.has_value(); }));
    return *answer;
  }
};

// The Nodes as reported by a watcher's callbacks.
struct SeenNodes {
  std::map<std::string, std::string> nodes;  // name -> text
  int syncs = 0;
  std::string trouble;
  bool healthy = true;

  WatcherCallbacks callbacks() {
    return {.on_sync =
                [this](const std::vector<ApiObject>& objects) {
                  nodes.clear();
                  for (const auto& object : objects) nodes[object.name] = object.text;
                  ++syncs;
                },
            .on_change =
                [this](const ApiObject& object, bool deleted) {
                  if (deleted) {
                    nodes.erase(object.name);
                  } else {
                    nodes[object.name] = object.text;
                  }
                },
            .on_trouble =
                [this](const std::string& sentence, WallTime) {
                  trouble = sentence;
                  healthy = false;
                },
            .on_healthy = [this] { healthy = true; }};
  }
  bool has(const std::string& name) const { return nodes.contains(name); }
};

}  // namespace pellicle
