#include "agent/kube/node_events.h"

#include <nlohmann/json.hpp>

#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

using Events = std::vector<NodeEvent>;

Events some(size_t count) {
  Events all;
  for (size_t i = 0; i < count; ++i) {
    all.push_back({.node = "n" + std::to_string(i), .reason = "CIDRNotAvailable"});
  }
  return all;
}

NodeEvent refused(const std::string& why) {
  return {.node = "worker", .reason = "KeyRefused", .message = why};
}

EventFilter::Instant at(std::chrono::seconds time) {
  return EventFilter::Instant{} + 1h + time;
}

constexpr EventManners kOneNode{.again = 1h, .similar = 1min, .refill = 5min, .tells_end = true};

Events posted(const ApiFixture& api) {
  Events all;
  for (const auto& event : api.list("events")) {
    all.push_back({.node = event["involvedObject"]["name"],
                   .uid = event["involvedObject"]["uid"],
                   .reason = event["reason"],
                   .message = event["message"],
                   .warning = event["type"] == "Warning"});
  }
  return all;
}

}  // namespace

TEST_CASE("an event is told once in ten minutes, and again at once when it has ended between") {
  EventFilter filter;
  const auto one = some(1);
  CHECK(filter.due(one, at(0s)) == one);
  CHECK(filter.due(one, at(1s)).empty());
  CHECK(filter.due(one, at(599s)).empty());
  CHECK(filter.due(one, at(600s)) == one);
  CHECK(filter.due({}, at(601s)).empty());
  CHECK(filter.due(one, at(602s)) == one);
}

TEST_CASE("many events at once do not flood the API, and each gets its turn") {
  EventFilter filter;
  const auto many = some(100);
  size_t told = filter.due(many, at(0s)).size();
  CHECK(told == kEventBurst);
  CHECK(filter.due(many, at(4s)).empty());
  for (auto time = 5s; time <= 375s; time += 5s) {
    const auto due = filter.due(many, at(time)).size();
    CHECK(due == 1);
    told += due;
  }
  CHECK(told == 100);
  CHECK(filter.due(many, at(380s)).empty());
}

TEST_CASE("another message of the same reason waits for its time, and the newest is told then") {
  EventFilter filter(kOneNode);
  CHECK(filter.due({refused("a")}, at(0s)) == Events{refused("a")});
  CHECK(filter.due({refused("b")}, at(10s)).empty());
  const NodeEvent other{.node = "worker", .reason = "ForeignCNI"};
  CHECK(filter.due({refused("b"), other}, at(11s)) == Events{other});
  CHECK(filter.due({refused("c"), other}, at(59s)).empty());
  CHECK(filter.due({refused("c"), other}, at(60s)) == Events{refused("c")});
  CHECK(filter.due({refused("c"), other}, at(3610s)).empty());
  CHECK(filter.due({refused("c"), other}, at(3611s)) == Events{other});
}

TEST_CASE("the end of what was told is told once, and nothing else's end is") {
  EventFilter filter(kOneNode);
  filter.due({refused("a")}, at(0s));
  CHECK(filter.due({refused("b")}, at(10s)).empty());  // the same reason continues
  CHECK(filter.due({}, at(20s)).empty());              // b was never reported
  filter.due({refused("c")}, at(70s));
  const Events end = filter.due({}, at(80s));
  REQUIRE(end.size() == 1);
  CHECK(end[0] == NodeEvent{.node = "worker",
                            .reason = "Solved",
                            .message = "KeyRefused no longer",
                            .warning = false});
  CHECK(filter.due({}, at(90s)).empty());
}

TEST_CASE("what comes and goes all the time costs a few requests an hour") {
  EventFilter filter(kOneNode);
  size_t told = 0;
  for (auto time = 0s; time < 3600s; time += 1s) {
    told += filter.due(time.count() % 2 == 0 ? Events{refused("a")} : Events{}, at(time)).size();
  }
  CHECK(told > 10);
  CHECK(told <= kEventBurst + 12);
}

TEST_CASE("an event that could not be posted is due again after a minute while it stands") {
  EventFilter filter(kOneNode);
  filter.due({refused("a")}, at(0s));
  filter.failed(refused("a"), at(5s));
  CHECK(filter.due({refused("a")}, at(64s)).empty());
  CHECK(filter.due({refused("a")}, at(65s)) == Events{refused("a")});
  filter.due({}, at(66s));
  filter.failed(refused("a"), at(67s));
  CHECK(filter.due({}, at(1000s)).empty());
}

TEST_CASE("an event names its Node as kubelet's do, or by its uid, and is cut between characters") {
  const auto body = [](const NodeEvent& event) {
    return nlohmann::json::parse(
        event_request(event, "pellicle-agent", "worker", "now", 0xab).body);
  };
  auto event = refused("a");
  CHECK(body(event)["involvedObject"]["uid"] == "worker");
  CHECK(body(event)["metadata"]["name"] == "worker.00000000000000ab");
  CHECK(body(event)["type"] == "Warning");
  event.uid = "1234";
  event.warning = false;
  event.message.clear();
  while (event.message.size() <= kLongestMessage) event.message += "\u00e9";
  const auto json = body(event);
  CHECK(json["involvedObject"]["uid"] == "1234");
  CHECK(json["type"] == "Normal");
  const auto message = json["message"].get<std::string>();
  CHECK(message.size() == kLongestMessage - 1);
  CHECK(message.substr(message.size() - 5) == "\u00e9...");
}

TEST_CASE("events reach the API, one that it has no time for later, one that it forbids never") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  std::vector<std::string> troubles;
  EventPoster poster(client, 7,
                     {.component = "pellicle-agent",
                      .host = "worker",
                      .manners = {.again = 1h, .retry = 0s},
                      .on_trouble = [&](const std::string& each) { troubles.push_back(each); }});
  const auto answers = [&](size_t count) {
    return server.until([&] { return server.api.requests().size() >= count; });
  };
  const auto settle = [&] { server.io.run_for(100ms); };
  server.api.inject({.kind = api::FaultKind::answer, .status = 503, .verb = "create"});
  poster.post({refused("a")});
  REQUIRE(answers(1));
  settle();
  CHECK(posted(server.api).empty());
  poster.post({refused("a")});
  REQUIRE(answers(2));
  settle();
  poster.post({refused("a")});
  poster.post({refused("a")});
  settle();
  auto expected = refused("a");
  expected.uid = "worker";
  CHECK(posted(server.api) == Events{expected});

  server.api.forbid(kUser, "create", "events");
  poster.post({refused("b")});
  REQUIRE(answers(3));
  settle();
  poster.post({refused("b")});
  settle();
  CHECK(server.api.requests().size() == 3);
  REQUIRE(troubles.size() == 2);
  CHECK_THAT(troubles[0], Catch::StartsWith("503"));
  CHECK_THAT(troubles[1], Catch::StartsWith("403"));
}

}  // namespace this_file
