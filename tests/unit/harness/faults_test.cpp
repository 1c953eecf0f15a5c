// Injected faults, as a client sees them.
#include <thread>

#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;
using api::FaultKind;

namespace {

const std::string kNodes = "/api/v1/nodes";
const std::string kWatch = "/api/v1/nodes?watch=1&resourceVersion=";

std::unique_ptr<Exchange> open_watch(const ApiFixture& api) {
  const size_t before = api.open_watches();
  auto watch =
      std::make_unique<Exchange>(api, Ask{.target = kWatch + std::to_string(api.version())});
  REQUIRE(watch->wait_for_headers() == Ending::open);
  REQUIRE(api.open_watches() == before + 1);
  return watch;
}

void annotate(ApiFixture& api, const std::string& value) {
  api.patch(api::node_key("worker"), {{"metadata", {{"annotations", {{"test", value}}}}}});
}

}  // namespace

TEST_CASE("any error status can be answered, for a number of requests") {
  const auto api = seeded();
  for (const int code : {401, 403, 409, 429, 500, 503}) {
    api->inject({.status = code, .times = 2});
    CHECK(get(*api, kNodes).status == code);
    const Reply second = get(*api, kNodes);
    CHECK(second.status == code);
    CHECK(second.json()["code"] == code);
    CHECK(second.json()["kind"] == "Status");
    CHECK(get(*api, kNodes).status == 200);
  }
}

TEST_CASE("429 says when to come back") {
  const auto api = seeded();
  api->inject({.status = 429, .retry_after = 7s});
  const Reply reply = get(*api, kNodes);
  CHECK(reply.status == 429);
  CHECK(reply.headers.at("retry-after") == "7");
  CHECK(reply.json()["reason"] == "TooManyRequests");
  CHECK(reply.json()["details"]["retryAfterSeconds"] == 7);
}

TEST_CASE("a fault waits for its verb and its resource, and lasts until it is cleared") {
  const auto api = seeded();
  api->inject({.status = 500, .verb = "list", .resource = "secrets", .times = api::kUntilCleared});
  api->inject({.status = 503, .verb = "patch", .resource = "nodes/status"});
  const Ask patch{.method = "PATCH",
                  .target = kNodes + "/worker/status",
                  .body = "{}",
                  .content_type = "application/merge-patch+json"};
  CHECK(get(*api, kNodes).status == 200);
  for (int i = 0; i < 3; ++i) CHECK(get(*api, "/api/v1/secrets").status == 500);
  CHECK(fetch(*api, patch).status == 503);
  CHECK(fetch(*api, patch).status == 200);
  api->clear_faults();
  CHECK(get(*api, "/api/v1/secrets").status == 200);
}

TEST_CASE("a faulted request changes nothing") {
  const auto api = seeded();
  const uint64_t before = api->version();
  const Ask ask{.method = "DELETE", .target = kNodes + "/worker"};
  api->inject({.status = 500});
  CHECK(fetch(*api, ask).status == 500);
  api->inject({.kind = FaultKind::drop});
  CHECK(Exchange(*api, ask).wait_for_end() == Ending::cut);
  CHECK(api->version() == before);
}

TEST_CASE("a request can be dropped or reset") {
  const auto api = seeded();
  api->inject({.kind = FaultKind::drop});
  Exchange dropped(*api, {.target = kNodes});
  CHECK(dropped.wait_for_end() == Ending::cut);
  CHECK(dropped.reply().status == 0);
  api->inject({.kind = FaultKind::reset});
  CHECK(Exchange(*api, {.target = kNodes}).wait_for_end() == Ending::reset);
  CHECK(api->requests().back().status == 0);
  CHECK(get(*api, kNodes).status == 200);
}

TEST_CASE("a request can stall until the faults are cleared") {
  const auto api = seeded();
  api->inject({.kind = FaultKind::stall});
  Exchange stalled(*api, {.target = kNodes});
  CHECK(stalled.wait_for_end(50ms) == Ending::open);
  CHECK(get(*api, kNodes).status == 200);  // other requests do not wait
  api->clear_faults();
  CHECK(stalled.wait_for_end() == Ending::cut);
}

TEST_CASE("a request can be delayed") {
  const auto api = seeded();
  api->inject({.kind = FaultKind::delay, .delay = 100ms});
  const auto start = std::chrono::steady_clock::now();
  CHECK(get(*api, kNodes).status == 200);
  CHECK(std::chrono::steady_clock::now() - start >= 100ms);
}

TEST_CASE("an answer can stop in the middle, closed or not, and can be no JSON") {
  const auto api = seeded();
  api->inject({.kind = FaultKind::truncate});
  Exchange truncated(*api, {.target = kNodes});
  CHECK(truncated.wait_for_end() == Ending::cut);
  CHECK(truncated.reply().status == 200);
  CHECK_FALSE(truncated.reply().body.empty());
  CHECK(Json::parse(truncated.reply().body, nullptr, false).is_discarded());

  api->inject({.kind = FaultKind::cut_off});
  Exchange cut_off(*api, {.target = kNodes});
  CHECK(cut_off.wait_for_rest());
  CHECK(cut_off.wait_for_end(50ms) == Ending::open);

  api->inject({.kind = FaultKind::garbage});
  const Reply garbage = get(*api, kNodes);
  CHECK(garbage.status == 200);
  CHECK(Json::parse(garbage.body, nullptr, false).is_discarded());
}

TEST_CASE("open watches can be ended in every way") {
  const auto api = seeded();
  for (const auto& [kind, ending] :
       {std::pair{FaultKind::end, Ending::complete}, std::pair{FaultKind::expire, Ending::complete},
        std::pair{FaultKind::drop, Ending::cut}, std::pair{FaultKind::reset, Ending::reset},
        std::pair{FaultKind::truncate, Ending::cut}}) {
    const auto first = open_watch(*api);
    const auto second = open_watch(*api);
    CHECK(api->disturb_watches(kind, "secrets") == 0);
    CHECK(api->disturb_watches(kind) == 2);
    CHECK(first->wait_for_end() == ending);
    CHECK(second->wait_for_end() == ending);
    CHECK(api->wait_for_watches(0, 5s));
    if (kind == FaultKind::expire) CHECK(first->frame()["object"]["code"] == 410);
    if (kind == FaultKind::truncate) CHECK_FALSE(first->rest().empty());
  }
}

TEST_CASE("what happened before a watch is broken is still told") {
  const auto api = seeded();
  const auto watch = open_watch(*api);
  annotate(*api, "1");
  api->disturb_watches(FaultKind::drop);
  CHECK(watch->frame()["type"] == "MODIFIED");
  CHECK(watch->wait_for_end() == Ending::cut);
}

TEST_CASE("an open watch can fall silent, also in the middle of a frame") {
  const auto api = seeded();
  for (const FaultKind kind : {FaultKind::stall, FaultKind::cut_off}) {
    const auto watch = open_watch(*api);
    api->disturb_watches(kind);
    annotate(*api, kind == FaultKind::stall ? "1" : "2");
    if (kind == FaultKind::cut_off) CHECK(watch->wait_for_rest());
    CHECK_FALSE(watch->line(50ms));
    if (kind == FaultKind::stall) CHECK(watch->rest().empty());
    CHECK(api->open_watches() == 1);
    api->clear_faults();
    CHECK(watch->wait_for_end() == Ending::cut);
    CHECK(api->wait_for_watches(0, 5s));
  }
}

TEST_CASE("a watch can be sent garbage and goes on") {
  const auto api = seeded();
  const auto watch = open_watch(*api);
  api->disturb_watches(FaultKind::garbage);
  const auto line = watch->line();
  REQUIRE(line);
  CHECK(Json::parse(*line, nullptr, false).is_discarded());
  annotate(*api, "1");
  CHECK(watch->frame()["type"] == "MODIFIED");
}

TEST_CASE("a watch can be broken from its start") {
  const auto api = seeded();
  api->inject({.kind = FaultKind::truncate, .verb = "watch"});
  Exchange truncated(*api, {.target = "/api/v1/nodes?watch=1"});
  for (int i = 0; i < 3; ++i) CHECK(truncated.frame()["type"] == "ADDED");
  CHECK(truncated.wait_for_end() == Ending::cut);
  CHECK_FALSE(truncated.rest().empty());

  api->inject({.kind = FaultKind::expire, .verb = "watch"});
  Exchange expired(*api, {.target = kWatch + std::to_string(api->version())});
  CHECK(expired.frame()["type"] == "ERROR");
  CHECK(expired.wait_for_end() == Ending::complete);
}

TEST_CASE("the API goes away with all its connections and comes back on its port") {
  const auto api = seeded();
  const uint16_t port = api->port();
  const auto watch = open_watch(*api);
  Exchange idle(*api, {.target = "/healthz"});
  REQUIRE(idle.wait_for_end() == Ending::complete);
  api->go_away();
  CHECK(watch->wait_for_end() != Ending::open);
  CHECK(api->open_watches() == 0);
  CHECK_THROWS(Exchange(*api, {.target = kNodes}));
  annotate(*api, "meanwhile");
  api->come_back();
  CHECK(api->port() == port);
  CHECK(get(*api, kNodes).status == 200);
}

TEST_CASE("faults that could never happen are refused") {
  ApiFixture api;
  CHECK_THROWS_AS(api.inject({.kind = FaultKind::end}), std::invalid_argument);
  CHECK_THROWS_AS(api.inject({.status = 200}), std::invalid_argument);
  CHECK_THROWS_AS(api.inject({.times = 0}), std::invalid_argument);
  CHECK_THROWS_AS(api.disturb_watches(FaultKind::delay), std::invalid_argument);
}

TEST_CASE("the fixture ends promptly whatever is under way") {
  const auto start = std::chrono::steady_clock::now();
  auto api = seeded();
  api->inject({.kind = FaultKind::stall, .verb = "list"});
  api->inject({.kind = FaultKind::delay, .delay = 60s, .verb = "get"});
  const auto watch = open_watch(*api);
  Exchange stalled(*api, {.target = kNodes});
  Exchange delayed(*api, {.target = kNodes + "/worker"});
  REQUIRE(api->wait_for_request([](const auto& seen) { return seen.verb == "list"; }, 5s));
  api.reset();
  CHECK(watch->wait_for_end() != Ending::open);
  CHECK(stalled.wait_for_end() != Ending::open);
  CHECK(delayed.wait_for_end() != Ending::open);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

}  // namespace this_file
