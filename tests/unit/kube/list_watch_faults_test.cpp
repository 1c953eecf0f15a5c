// A server or a clock that contradicts itself, step by step.
#include <algorithm>

#include "tests/unit/kube/script.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::script;

namespace {

constexpr int kStorm = 40;  // rounds; enough to reach longest_backoff early

std::vector<std::string> names_of(const Synced& set) {
  std::vector<std::string> names;
  for (const auto& object : set.objects) names.push_back(object.name);
  return names;
}

std::string bookmark(const std::string& version) {
  return R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")" + version + "\"}}}";
}

// One round of a storm: a pending list, then 410 for the watch that follows.
void gone_as_answer(Script& script) {
  script.list(page("10", {"a"})).ended({.response = refusal(410)});
}
void gone_as_frame(Script& script) {
  script.list(page("10", {"a"})).opened().frame(gone_frame());
}
void gone_after_a_bookmark(Script& script) {
  script.list(page("10", {"a"})).opened().frame(bookmark("11")).frame(gone_frame());
}

}  // namespace

TEST_CASE("a storm of 410 is answered with lists further and further apart, and is told") {
  for (const auto round : {gone_as_answer, gone_as_frame, gone_after_a_bookmark}) {
    Script script;
    script.tick();
    std::chrono::milliseconds waited{};
    for (int i = 0; i < kStorm; ++i) {
      round(script);
      if (i == 0) {
        CHECK(script.find<SendList>());  // the first 410 is normal
        continue;
      }
      REQUIRE(script.find<Wait>());
      CHECK_FALSE(script.find<SendList>());
      CHECK_FALSE(script.find<Recovered>());
      CHECK((script.find<Troubled>() != nullptr) == (i == 1));  // once for the whole storm
      waited += script.find<Wait>()->delay;
      script.tick();
      REQUIRE(script.find<SendList>());
    }
    CHECK(script.state.trouble->sentence ==
          "nodes: the server has forgotten each version that it has just told (410)");
    CHECK(waited >= (kStorm - 8) * Pace{}.longest_backoff);

    // A watch that lasts ends the storm, and the next 410 is normal again.
    script.list(page("20", {"a"})).opened();
    CHECK_FALSE(script.find<Recovered>());
    CHECK(script.after(6s).frame(bookmark("21")).find<Recovered>());
    CHECK(script.after(60s).frame(gone_frame()).find<SendList>());
  }
}

TEST_CASE("a storm of 410 is over when a watch lasts, even one that brings nothing") {
  Script script;
  script.tick();
  for (int i = 0; i < 3; ++i) {
    gone_as_answer(script);
    if (script.find<Wait>()) script.tick();
  }
  script.list(page("20", {"a"})).opened();
  REQUIRE(script.find<Wait>());
  CHECK(script.find<Wait>()->delay == Pace{}.quick_end);
  CHECK(script.after(1s).tick().find<Wait>());  // early, as after a clock change
  CHECK_FALSE(script.find<Recovered>());
  CHECK(script.after(5s).tick().find<Recovered>());
  CHECK(script.actions.size() == 1);
  CHECK(script.after(5s).tick().actions.empty());
}

TEST_CASE("a storm of 410 takes nothing away") {
  Script script;
  script.tick().list(page("10", {"a", "b"}));
  REQUIRE(script.find<Synced>());
  for (int i = 0; i < kStorm; ++i) {
    script.opened().frame(gone_frame());
    CHECK_FALSE(script.find<Synced>());
    CHECK_FALSE(script.find<Changed>());
    if (script.find<Wait>()) script.tick();
    script.list(page("10", {"a", "b"}));
    CHECK(names_of(*script.find<Synced>()) == std::vector<std::string>{"a", "b"});
  }
}

// As with a lagging cache. The watch starts at the first page's version, so it delivers changes
// that happened between the pages.
TEST_CASE("pages of different versions are watched from the first one's") {
  for (const auto* second : {"14", "9"}) {
    Script script;
    script.tick().list(page("12", {"a"}, "more")).list(page(second, {"b"}));
    REQUIRE(script.find<OpenWatch>());
    CHECK(query(script.find<OpenWatch>()->request, "resourceVersion") == "12");
    script.after(1s).opened();
    CHECK(script.frame(change("ADDED", "c", "13")).only<Changed>().object.name == "c");
  }
}

TEST_CASE(
    "a node that is in no page of one list, and in two of the next, is kept and counted once") {
  Script script;
  script.tick().list(page("10", {"a"}, "more")).list(page("10", {"c"}));
  CHECK(names_of(*script.find<Synced>()) == std::vector<std::string>{"a", "c"});
  CHECK(script.opened().frame(change("ADDED", "b", "11")).only<Changed>().object.name == "b");
  script.after(60s).frame(gone_frame());
  script.list(page("20", {"a", "b"}, "more")).list(page("20", {"b", "c"}));
  CHECK(names_of(*script.find<Synced>()) == std::vector<std::string>{"a", "b", "b", "c"});
}

// After a restore of etcd, or from a lagging cache: the server's list counts, and the watch from
// its older version delivers the rest.
TEST_CASE("a list older than what the watch told is believed, and watched from its own version") {
  auto script = watching();
  script.frame(change("ADDED", "c", "12")).after(60s).frame(gone_frame());
  script.list(page("9", {"a", "b"}));
  CHECK(names_of(*script.find<Synced>()) == std::vector<std::string>{"a", "b"});
  CHECK(query(script.find<OpenWatch>()->request, "resourceVersion") == "9");
  CHECK(script.opened().frame(change("ADDED", "c", "12")).only<Changed>().object.name == "c");
}

TEST_CASE(
    "a list that begins and does not end is asked for in smaller pages, and larger ones after") {
  Script script;
  const auto asked = [&] { return query(script.find<SendList>()->request, "limit"); };
  script.tick();
  std::vector<std::string> limits;
  for (int i = 0; i < 11; ++i) {
    limits.push_back(asked());
    script.list({.status = 200, .error = "https://h:1: the answer is larger than 64 MiB"});
    CHECK(script.find<Wait>());
    script.tick();
  }
  CHECK(limits ==
        std::vector<std::string>{"500", "250", "125", "62", "31", "15", "7", "3", "1", "1", "1"});
  script.list({.error = "https://h:1: cannot connect"}).tick();  // says nothing about the page size
  CHECK(asked() == "1");
  script.list(page("10", {"a"}, "more"));
  CHECK(asked() == "1");
  script.list(page("10", {"b"})).opened().after(60s).frame(gone_frame());
  CHECK(asked() == "2");
}

TEST_CASE("a clock that is set a year forward or back costs a watch a second at most") {
  using std::chrono::hours;
  for (const auto jump : {hours(365 * 24), hours(-365 * 24)}) {
    CAPTURE(jump.count());
    auto script = watching();
    script.frame(change("ADDED", "c", "12")).after(jump);
    CHECK(script.frame(change("ADDED", "d", "13")).only<Changed>().object.name == "d");
    script.ended();
    CHECK_FALSE(script.find<Troubled>());
    CHECK(query(script.only<OpenWatch>().request, "resourceVersion") == "13");
    // The clock jumps back during trouble: the trouble's start time stays.
    script.ended({.response = {.error = "cannot connect"}});
    const auto since = script.find<Troubled>()->since;
    script.after(-jump).tick().ended({.response = refusal(500)});
    CHECK(script.find<Troubled>()->since == since);
    CHECK(script.find<Wait>()->delay <= Pace{}.longest_backoff);
  }
}

}  // namespace this_file
