// Metadata instead of objects, and what a LIST from a server's cache may and may not say.
#include "tests/unit/kube/script.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::script;

namespace {

Script of_metadata() {
  Script script;
  script.state.resource.metadata_only = true;
  return script;
}

const Request& listed(const Script& script) {
  REQUIRE(script.find<SendList>());
  return script.find<SendList>()->request;
}

}  // namespace

TEST_CASE("metadata is asked for by LIST and watch, and objects where there is none") {
  auto script = of_metadata();
  CHECK(listed(script.tick()).accept ==
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json");
  script.list(page("10", {"a"}));
  CHECK(script.find<OpenWatch>()->request.accept ==
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json");

  Script in_full;
  CHECK(listed(in_full.tick()).accept == "application/json");
  in_full.list(page("10", {"a"}));
  CHECK(in_full.find<OpenWatch>()->request.accept == "application/json");
}

TEST_CASE("a server that refuses metadata (406) is asked for objects in full, in pages, at once") {
  auto list = of_metadata();
  CHECK(listed(list.tick().list(refusal(406))).accept == "application/json");
  CHECK(query(listed(list), "limit") == "500");
  CHECK_FALSE(list.find<Troubled>());
  list.list(page("10", {"a"}));
  CHECK(list.find<OpenWatch>()->request.accept == "application/json");

  auto watch = of_metadata();
  watch.tick().list(page("10", {"a"})).ended({.response = refusal(406)});
  CHECK(listed(watch).accept ==
        "application/json");  // a watch would not tell what is there already
  // Refused in full as well: an error like others.
  watch.list(refusal(406));
  CHECK(watch.find<Troubled>());
  CHECK(watch.find<Wait>());
}

TEST_CASE(
    "the first LIST of metadata may be of any age, later ones not older than what was heard") {
  auto script = of_metadata();
  CHECK(query(listed(script.tick()), "resourceVersion") == "0");
  CHECK(query(listed(script), "limit").empty());  // with it, servers ask etcd instead
  script.list(page("10", {"a"})).opened().frame(change("MODIFIED", "a", "17"));
  CHECK(query(listed(script.frame(gone_frame())), "resourceVersion") == "17");
  CHECK(query(listed(script), "limit").empty());
}

TEST_CASE("a LIST older than what was heard is thrown away, and the newest state asked for") {
  auto script = of_metadata();
  script.tick().list(page("9", {"a"})).opened().frame(change("ADDED", "b", "17"));
  script.frame(gone_frame()).list(page("16", {"a"}));
  CHECK_FALSE(script.find<Synced>());
  CHECK(query(listed(script), "resourceVersion").empty());
  CHECK(query(listed(script), "limit") == "500");
  // That answer counts, whatever its version: etcd may have been restored from a backup.
  script.list(page("5", {"a"}));
  REQUIRE(script.find<Synced>());
  CHECK(query(script.find<OpenWatch>()->request, "resourceVersion") == "5");
  script.opened().after(400s).frame(change("ADDED", "b", "6")).frame(gone_frame());
  CHECK(query(listed(script), "resourceVersion") == "6");
}

TEST_CASE("versions compare as numbers, and others not at all") {
  for (const auto& [heard, listed_at, taken] :
       {std::tuple("9", "10", true), std::tuple("10", "9", false), std::tuple("17", "17", true),
        std::tuple("abc", "9", true), std::tuple("99", "abc", true)}) {
    auto script = of_metadata();
    script.tick().list(page("1", {})).opened().frame(change("ADDED", "b", heard));
    script.frame(gone_frame()).list(page(listed_at, {"a"}));
    CAPTURE(heard, listed_at);
    CHECK((script.find<Synced>() != nullptr) == taken);
  }
}

TEST_CASE("a server that has not heard as much (504) is asked for the newest state") {
  for (const auto status : std::initializer_list<uint16_t>{504, 410}) {
    auto script = of_metadata();
    script.tick().list(page("10", {"a"})).opened().frame(gone_frame());
    CHECK(query(listed(script), "resourceVersion") == "10");
    script.list(refusal(status, "Timeout: Too large resource version: 10, current: 9"));
    CHECK_FALSE(script.find<Troubled>());
    CHECK(query(listed(script), "resourceVersion").empty());
    // A second one is an error, and the next attempt is for the newest state again.
    script.list(refusal(504));
    CHECK(script.find<Troubled>());
    CHECK(query(listed(script.tick()), "resourceVersion").empty());
    script.list(page("12", {"a"})).opened().after(400s).frame(change("ADDED", "b", "13"));
    CHECK(query(listed(script.frame(gone_frame())), "resourceVersion") == "13");
  }
}

TEST_CASE("an answer from the cache that breaks off is asked for again in pages") {
  auto script = of_metadata();
  script.tick().list({.status = 200, .error = "the answer is larger than 64 MiB"}).tick();
  CHECK(query(listed(script), "limit") == "250");
  CHECK(query(listed(script), "resourceVersion").empty());
}

TEST_CASE("what comes says by its kind whether it is metadata") {
  const auto body = [](const std::string& list, const std::string& item) {
    return R"({"kind":")" + list + R"(","metadata":{"resourceVersion":"1"},"items":[{)" + item +
           R"("metadata":{"name":"a"}}]})";
  };
  const auto partial = [&](const std::string& list, const std::string& item) {
    return decode_page(body(list, item))->objects.at(0).metadata_only;
  };
  CHECK(partial("PartialObjectMetadataList", R"("kind":"PartialObjectMetadata",)"));
  CHECK(partial("PartialObjectMetadataList", ""));
  CHECK_FALSE(partial("NodeList", ""));
  const auto frame = [](const std::string& kind) {
    const auto decoded = decode_frame(R"({"type":"ADDED","object":{"kind":")" + kind +
                                      R"(","metadata":{"name":"a","resourceVersion":"2"}}})");
    return std::get<ObjectFrame>(*decoded).object.metadata_only;
  };
  CHECK(frame("PartialObjectMetadata"));
  CHECK_FALSE(frame("Node"));
}

TEST_CASE("an overloaded server (429) is waited for in silence for a minute") {
  Script list;
  list.tick().list({.status = 429, .retry_after = 2s});
  CHECK_FALSE(list.find<Troubled>());
  CHECK(list.find<Wait>()->delay >= 2s);
  list.after(60s).tick().list(refusal(429));
  CHECK_FALSE(list.find<Troubled>());
  list.after(1s).tick().list(refusal(429, "Too many requests"));
  REQUIRE(list.find<Troubled>());
  CHECK(list.find<Troubled>()->sentence == "nodes: 429 Too Many Requests: Too many requests");
  // An answer begins the minute again.
  list.tick().list(page("10", {"a"})).opened();
  list.after(600s).ended().ended({.response = refusal(429)});
  CHECK_FALSE(list.find<Troubled>());

  // So does another failure, which is told at once.
  Script watch;
  watch.tick().list(page("10", {"a"})).ended({.response = refusal(429)}).after(50s).tick();
  CHECK(watch.ended({.response = refusal(503)}).find<Troubled>());
  watch.after(50s).tick().ended({.response = refusal(429)});
  CHECK_FALSE(watch.find<Troubled>());
}

}  // namespace this_file
