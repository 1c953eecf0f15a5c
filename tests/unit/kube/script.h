// Runs the list-watch protocol with scripted events; shared by the tests of its steps.
#pragma once

#include <string>
#include <vector>

#include "agent/kube/list_watch.h"
#include "tests/harness/catch.h"

namespace pellicle::script {

using namespace std::chrono_literals;

inline const WallTime kStart{std::chrono::hours(1000)};

struct Script {
  ListWatch state{.resource = {.title = "nodes", .path = "/api/v1/nodes"}, .seed = 7};
  WallTime now = kStart;
  std::vector<ListWatchAction> actions;  // of the last step

  template <class Event>
  Script& happens(Event event) {
    event.now = now;
    auto next = step(std::move(state), event);
    state = std::move(next.state);
    actions = std::move(next.actions);
    return *this;
  }
  Script& tick() { return happens(Tick{}); }
  Script& list(Response response) { return happens(ListAnswered{.response = std::move(response)}); }
  Script& opened() { return happens(WatchOpened{}); }
  Script& frame(const std::string& line) { return happens(FrameArrived{.line = line}); }
  Script& ended(WatchEnd end = {.response = {.status = 200}}) {
    return happens(WatchEnded{.end = std::move(end)});
  }
  Script& after(std::chrono::milliseconds time) {
    now += time;
    return *this;
  }

  template <class Action>
  const Action* find() const {
    for (const auto& action : actions) {
      if (const auto* found = std::get_if<Action>(&action)) return found;
    }
    return nullptr;
  }
  template <class Action>
  const Action& only() const {
    REQUIRE(actions.size() == 1);
    REQUIRE(std::holds_alternative<Action>(actions[0]));
    return std::get<Action>(actions[0]);
  }
};

inline std::string query(const Request& request, const std::string& name) {
  for (const auto& [key, value] : request.query) {
    if (key == name) return value;
  }
  return "";
}

inline Response page(const std::string& version, const std::vector<std::string>& names,
                     const std::string& more = "") {
  std::string body = R"({"metadata":{"resourceVersion":")" + version + R"(","continue":")" + more +
                     R"("},"items":[)";
  for (size_t i = 0; i < names.size(); ++i) {
    body += (i ? "," : "") + std::string(R"({"metadata":{"name":")") + names[i] + "\"}}";
  }
  return {.status = 200, .body = body + "]}"};
}

inline std::string change(const std::string& type, const std::string& name,
                          const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name +
         R"(","resourceVersion":")" + version + R"("}}})";
}

inline std::string gone_frame() {
  return R"({"type":"ERROR","object":{"kind":"Status","message":"too old","code":410}})";
}

inline Response refusal(uint16_t status, const std::string& message = "") {
  return {.status = status, .body = R"({"kind":"Status","message":")" + message + "\"}"};
}

inline Script watching() {
  Script script;
  script.tick().list(page("10", {"a", "b"})).opened();
  return script;
}

}  // namespace pellicle::script
