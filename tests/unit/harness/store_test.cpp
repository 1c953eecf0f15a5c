#include "tests/harness/api/store.h"

#include "tests/harness/api/refusal.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::api;

namespace {

template <typename Call>
int refused_with(Call call) {
  try {
    call();
  } catch (const Refusal& refusal) {
    return refusal.code;
  }
  return 0;
}

Json with_value(const std::string& value) {
  return {{"spec", {{"value", value}}}};
}

std::string version_of(const Object& object) {
  return (*object)["metadata"]["resourceVersion"];
}

}  // namespace

TEST_CASE("every change of any object has the next version of one counter") {
  Store store;
  const uint64_t start = store.version();
  const Object node = store.create(node_key("a"), with_value("1"));
  const Object secret = store.create(secret_key("ns", "s"), Json::object());
  store.update(node_key("a"), with_value("2"));
  store.remove(secret_key("ns", "s"));
  CHECK(version_of(node) == std::to_string(start + 1));
  CHECK(version_of(secret) == std::to_string(start + 2));
  CHECK(store.version() == start + 4);
}

TEST_CASE("a created object has a uid, a time and its version, and its name is taken") {
  Store store;
  const Object made = store.create(secret_key("ns", "s"), Json::object());
  const Json& metadata = (*made)["metadata"];
  CHECK(metadata["uid"].get<std::string>().size() == 36);
  CHECK(metadata["creationTimestamp"].get<std::string>().size() == 20);
  CHECK(metadata["namespace"] == "ns");
  CHECK(refused_with([&] { store.create(secret_key("ns", "s"), Json::object()); }) == 409);
  store.create(secret_key("other", "s"), Json::object());
}

TEST_CASE("an update without a difference changes nothing") {
  Store store;
  store.create(node_key("a"), with_value("1"));
  const uint64_t before = store.version();
  store.update(node_key("a"), with_value("1"));
  CHECK(store.version() == before);
  CHECK(store.after(before, "nodes", "").empty());
}

TEST_CASE("an update keeps what identifies the object and is refused when stale") {
  Store store;
  const Object made = store.create(node_key("a"), with_value("1"));
  const Object changed = store.update(node_key("a"), with_value("2"));
  CHECK((*changed)["metadata"]["uid"] == (*made)["metadata"]["uid"]);
  CHECK((*changed)["metadata"]["creationTimestamp"] == (*made)["metadata"]["creationTimestamp"]);
  Json stale = with_value("3");
  stale["metadata"]["resourceVersion"] = version_of(made);
  CHECK(refused_with([&] { store.update(node_key("a"), stale); }) == 409);
  stale["metadata"]["resourceVersion"] = version_of(changed);
  store.update(node_key("a"), stale);
  CHECK((*store.get(node_key("a")))["spec"]["value"] == "3");
  CHECK(refused_with([&] { store.update(node_key("b"), with_value("1")); }) == 404);
  CHECK(refused_with([&] { store.remove(node_key("b")); }) == 404);
}

TEST_CASE("the past can be listed as it was") {
  Store store;
  store.create(node_key("a"), with_value("1"));
  store.create(node_key("b"), with_value("1"));
  const uint64_t then = store.version();
  store.update(node_key("a"), with_value("2"));
  store.remove(node_key("b"));
  store.create(node_key("c"), with_value("1"));
  const auto past = store.at(then, "nodes", "");
  REQUIRE(past.size() == 2);
  CHECK((*past.at(node_key("a")))["spec"]["value"] == "1");
  CHECK(past.contains(node_key("b")));
  const auto present = store.at(store.version(), "nodes", "");
  REQUIRE(present.size() == 2);
  CHECK((*present.at(node_key("a")))["spec"]["value"] == "2");
  CHECK(present.contains(node_key("c")));
}

TEST_CASE("events are told after a version, of one resource and namespace, with before and after") {
  Store store;
  store.create(secret_key("x", "s"), Json::object());
  const uint64_t then = store.version();
  store.create(node_key("a"), with_value("1"));
  store.create(secret_key("y", "s"), Json::object());
  store.update(node_key("a"), with_value("2"));
  store.remove(node_key("a"));
  const auto events = store.after(then, "nodes", "");
  REQUIRE(events.size() == 3);
  CHECK(events[0].type == EventType::added);
  CHECK(events[0].previous == nullptr);
  CHECK(events[1].type == EventType::modified);
  CHECK((*events[1].previous)["spec"]["value"] == "1");
  CHECK(events[2].type == EventType::deleted);
  CHECK(version_of(events[2].object) == std::to_string(events[2].version));
  CHECK(store.after(then, "secrets", "x").empty());
  CHECK(store.after(then, "secrets", "y").size() == 1);
}

TEST_CASE("after the history is forgotten every earlier version is too old") {
  Store store;
  store.create(node_key("a"), with_value("1"));
  const uint64_t handed_out = store.version();
  store.forget_history();
  CHECK(store.oldest() > handed_out);
  CHECK(store.version() == store.oldest());
  CHECK(store.after(handed_out - 1, "nodes", "").size() == 1);  // open watches still receive it
}

}  // namespace this_file
