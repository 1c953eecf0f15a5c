// The protocol, step by step, with scripted events.
#include "tests/unit/kube/script.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::script;

TEST_CASE("a start lists, hands over the set and watches from its version") {
  Script script;
  const auto& request = script.tick().only<SendList>().request;
  CHECK(request.path == "/api/v1/nodes");
  CHECK(query(request, "limit") == "500");
  CHECK(query(request, "resourceVersion").empty());

  script.list(page("10", {"a", "b"}));
  REQUIRE(script.actions.size() == 2);
  REQUIRE(script.find<Synced>());
  CHECK(script.find<Synced>()->objects.size() == 2);
  const auto& watch = script.find<OpenWatch>()->request;
  CHECK(query(watch, "watch") == "1");
  CHECK(query(watch, "allowWatchBookmarks") == "true");
  CHECK(query(watch, "resourceVersion") == "10");
  const int seconds = std::stoi(query(watch, "timeoutSeconds"));
  CHECK(seconds >= 300);
  CHECK(seconds < 600);
  CHECK(watch.limit > std::chrono::seconds(seconds));
  CHECK(watch.limit <= std::chrono::seconds(seconds + 30));
}

TEST_CASE("a field selector goes with lists and watches") {
  Script script;
  script.state.resource.field_selector = "metadata.name=x";
  CHECK(query(script.tick().only<SendList>().request, "fieldSelector") == "metadata.name=x");
  script.list(page("10", {}));
  CHECK(query(script.find<OpenWatch>()->request, "fieldSelector") == "metadata.name=x");
}

TEST_CASE("pages are put together before anything is handed over") {
  Script script;
  script.tick().list(page("10", {"a"}, "next=1"));
  const auto& second = script.only<SendList>().request;
  CHECK(query(second, "continue") == "next=1");
  CHECK(query(second, "limit") == "500");
  script.list(page("10", {"b"}, "next=2")).list(page("10", {"c"}));
  REQUIRE(script.find<Synced>());
  CHECK(script.find<Synced>()->objects.size() == 3);
}

TEST_CASE("410 on a page starts the list again, at once the first time") {
  Script script;
  script.tick().list(page("10", {"a"}, "next")).list(refusal(410));
  CHECK(query(script.only<SendList>().request, "continue").empty());
  script.list(page("11", {"b"}, "next")).list(refusal(410));
  REQUIRE(script.find<Troubled>());
  CHECK(script.find<Wait>()->delay >= Pace{}.first_backoff);
  script.tick().list(page("12", {"c"}));
  REQUIRE(script.find<Synced>()->objects.size() == 1);
  CHECK(script.find<Synced>()->objects[0].name == "c");
}

TEST_CASE("a failure between pages throws the pages away") {
  Script script;
  script.tick().list(page("10", {"a"}, "next")).list(refusal(500)).tick();
  CHECK(query(script.only<SendList>().request, "continue").empty());
  script.list(page("11", {"b"}));
  CHECK(script.find<Synced>()->objects.size() == 1);
}

TEST_CASE("frames are applied in order, whatever their versions look like") {
  auto script = watching();
  CHECK(script.frame(change("ADDED", "c", "12")).only<Changed>().object.name == "c");
  CHECK_FALSE(script.only<Changed>().deleted);
  CHECK(script.frame(change("MODIFIED", "c", "9")).only<Changed>().object.name == "c");
  CHECK(script.frame(change("DELETED", "a", "opaque")).only<Changed>().deleted);
  script.ended();
  script.after(5s).opened().after(400s);
  CHECK(script.state.resource_version == "opaque");
}

TEST_CASE("a bookmark moves the version and changes nothing") {
  auto script = watching();
  script.frame(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"99"}}})");
  CHECK(script.actions.empty());
  script.after(400s).ended();
  CHECK(query(script.only<OpenWatch>().request, "resourceVersion") == "99");
}

TEST_CASE("a watch that ends in its time is opened again at once") {
  auto script = watching();
  script.frame(change("ADDED", "c", "12")).after(310s).ended();
  CHECK(query(script.only<OpenWatch>().request, "resourceVersion") == "12");
}

TEST_CASE("a whole watch without a word, not even a bookmark, is followed by a list") {
  auto script = watching();
  script.after(310s).ended();
  CHECK(script.only<SendList>().request.path == "/api/v1/nodes");
}

TEST_CASE("a dropped watch goes on from the last version, after a short spread") {
  for (const bool half : {false, true}) {
    auto script = watching();
    script.frame(change("ADDED", "c", "12")).after(60s);
    script.ended({.response = {.status = 200, .error = half ? "" : "lost"}, .half_frame = half});
    CHECK(script.only<Wait>().delay < Pace{}.first_backoff);
    CHECK(query(script.tick().only<OpenWatch>().request, "resourceVersion") == "12");
  }
}

TEST_CASE("watches that end at once wait longer and longer, and are reported") {
  auto script = watching();
  CHECK(script.ended().only<Wait>().delay >= Pace{}.first_backoff);
  auto delay = Pace{}.first_backoff;
  for (int i = 0; i < 4; ++i) {
    script.tick().opened().after(1s).ended();
    REQUIRE(script.find<Wait>());
    CHECK(script.find<Wait>()->delay >= 2 * delay);
    delay *= 2;
    REQUIRE(script.find<Troubled>());
    CHECK(script.find<Troubled>()->sentence == "nodes: the server ends each watch at once");
  }
}

TEST_CASE("410 for a watch, as answer or as frame, leads to a list at once") {
  auto as_frame = watching();
  as_frame.frame(gone_frame());
  REQUIRE(as_frame.actions.size() == 2);
  CHECK(std::holds_alternative<CloseWatch>(as_frame.actions[0]));
  CHECK(as_frame.find<SendList>());
  // A second 410 without a good frame in between: not at once.
  as_frame.list(page("20", {})).opened().frame(gone_frame());
  CHECK(as_frame.find<Wait>());

  Script as_answer;
  as_answer.tick().list(page("10", {})).ended({.response = refusal(410)});
  CHECK(as_answer.only<SendList>().request.query.size() == 1);
  // The set replaces the previous one, so objects missing from the new list are gone.
  as_answer.list(page("30", {"b"}));
  CHECK(as_answer.find<Synced>()->objects.size() == 1);
}

TEST_CASE("Retry-After is honoured") {
  for (const uint16_t status : {uint16_t{429}, uint16_t{503}}) {
    Script script;
    script.tick();
    auto response = refusal(status, "slow down");
    response.retry_after = 17s;
    script.list(response);
    CHECK(script.find<Wait>()->delay >= 17s);
    CHECK(script.find<Wait>()->delay <= 18s);
    script.tick().list(page("10", {})).ended({.response = response});
    CHECK(script.find<Wait>()->delay >= 17s);
    CHECK(query(script.tick().only<OpenWatch>().request, "resourceVersion") == "10");
  }
}

TEST_CASE("failures back off exponentially with jitter, and success resets it") {
  Script script;
  script.tick();
  std::vector<std::chrono::milliseconds> delays;
  for (int i = 0; i < 9; ++i) {
    script.list(refusal(500, "etcd is away"));
    delays.push_back(script.find<Wait>()->delay);
    script.tick();
    CHECK(script.find<SendList>());
  }
  CHECK(delays.front() >= 800ms);
  CHECK(delays.front() <= 1200ms);
  for (size_t i = 1; i < delays.size(); ++i) CHECK(delays[i] >= std::min(delays[i - 1], 25'600ms));
  CHECK(delays.back() <= 30s);
  CHECK(delays.back() >= 25s);

  script.list(page("10", {})).opened().frame(change("ADDED", "c", "12")).after(60s);
  script.ended({.response = {.status = 200, .error = "lost"}}).tick();
  script.ended({.response = {.error = "cannot connect"}});
  CHECK(script.find<Wait>()->delay <= 1200ms);
}

TEST_CASE("different seeds wait differently") {
  uint64_t one = 1;
  uint64_t two = 2;
  CHECK(backoff(3, one) != backoff(3, two));
  for (uint32_t failures = 0; failures < 100; ++failures) {
    CHECK(backoff(failures, one) <= Pace{}.longest_backoff);
    CHECK(backoff(failures, one) >= Pace{}.first_backoff);
  }
}

TEST_CASE("trouble is one sentence, said once, with the time it began, and ends") {
  Script script;
  script.tick().list(refusal(403, R"(nodes is forbidden: User \"x\" cannot list)"));
  REQUIRE(script.find<Troubled>());
  CHECK(script.find<Troubled>()->sentence ==
        R"(nodes: 403 Forbidden: nodes is forbidden: User "x" cannot list)");
  CHECK(script.find<Troubled>()->since == kStart);
  script.after(10s).tick().list(refusal(403, R"(nodes is forbidden: User \"x\" cannot list)"));
  CHECK_FALSE(script.find<Troubled>());
  script.after(10s).tick().list({.error = "https://h:1: cannot connect"});
  CHECK(script.find<Troubled>()->sentence == "nodes: https://h:1: cannot connect");
  CHECK(script.find<Troubled>()->since == kStart);
  script.tick().list(refusal(401, "Unauthorized"));
  CHECK(script.find<Troubled>()->sentence == "nodes: 401 Unauthorized");
  script.tick().list(page("10", {}));
  CHECK_FALSE(script.find<Recovered>());
  CHECK(script.opened().find<Recovered>());
  script.after(300s).ended().list(page("11", {})).opened();
  CHECK_FALSE(script.find<Recovered>());
}

TEST_CASE("garbage is reported without being quoted, and followed by a list") {
  Script list;
  list.tick().list({.status = 200, .body = "<html>secret</html>"});
  CHECK(list.find<Troubled>()->sentence ==
        "nodes: the answer to the list request is not a list of Kubernetes objects");
  CHECK(list.find<Wait>());
  CHECK(list.tick().find<SendList>());

  auto script = watching();
  script.frame("secret garbage");
  CHECK(script.find<CloseWatch>());
  CHECK(script.find<Troubled>()->sentence ==
        "nodes: the watch brought a frame that is not a Kubernetes watch event");
  CHECK(script.find<Wait>());
  CHECK(script.tick().find<SendList>());
}

TEST_CASE("an ERROR frame that is no 410 is reported and followed by a list") {
  auto script = watching();
  script.frame(R"({"type":"ERROR","object":{"kind":"Status","message":"etcd","code":500}})");
  CHECK(script.find<CloseWatch>());
  CHECK(script.find<Troubled>()->sentence == "nodes: the watch ended with error 500: etcd");
  CHECK(script.find<Wait>());
  CHECK(script.tick().find<SendList>());
}

TEST_CASE("a refused watch is tried again from its version, a wrong one begins with a list") {
  for (const auto status : std::initializer_list<uint16_t>{401, 403, 429, 500, 503}) {
    Script script;
    script.tick().list(page("10", {})).ended({.response = refusal(status)});
    CHECK(script.find<Wait>());
    CHECK(query(script.tick().only<OpenWatch>().request, "resourceVersion") == "10");
  }
  Script script;
  script.tick().list(page("10", {})).ended({.response = refusal(400, "bad version")}).tick();
  CHECK(script.find<SendList>());
}

TEST_CASE("events that do not fit the phase change nothing") {
  auto script = watching();
  const auto before = script.state;
  script.list(page("99", {})).tick();
  CHECK(script.actions.empty());
  CHECK(script.state == before);

  Script listing;
  listing.tick();
  const auto waiting = listing.state;
  listing.frame(change("ADDED", "x", "1")).opened().ended();
  CHECK(listing.actions.empty());
  CHECK(listing.state == waiting);
}

}  // namespace this_file
