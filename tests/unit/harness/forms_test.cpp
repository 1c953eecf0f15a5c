// PartialObjectMetadata, compressed answers, and answers from a cache that lags.
#include "agent/kube/gunzip.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kNodes = "/api/v1/nodes";
const std::string kOne = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const std::string kList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

Reply asked(const ApiFixture& api, const std::string& target, const std::string& accept) {
  return fetch(api, {.target = target, .accept = accept});
}

}  // namespace

TEST_CASE("metadata of a list, of its items, and of one object") {
  const auto api = seeded();
  const Json list = asked(*api, kNodes, kList + ", application/json").json();
  CHECK(list["kind"] == "PartialObjectMetadataList");
  CHECK(list["apiVersion"] == "meta.k8s.io/v1");
  CHECK(list["metadata"]["resourceVersion"] == std::to_string(api->version()));
  REQUIRE(list["items"].size() == 3);
  for (const Json& item : list["items"]) {
    CHECK(item["kind"] == "PartialObjectMetadata");
    CHECK(item["apiVersion"] == "meta.k8s.io/v1");
    CHECK(item["metadata"].contains("managedFields"));
    CHECK(item.size() == 3);
  }
  const Json one = asked(*api, kNodes + "/worker", kOne).json();
  CHECK(one["kind"] == "PartialObjectMetadata");
  CHECK(one["metadata"]["name"] == "worker");
  CHECK_FALSE(one.contains("spec"));
}

TEST_CASE("the first clause of Accept that the server knows counts") {
  const auto api = seeded();
  const auto kind = [&](const std::string& accept) {
    return asked(*api, kNodes, accept).json()["kind"].get<std::string>();
  };
  CHECK(kind("application/json, " + kList) == "NodeList");
  CHECK(kind("application/vnd.kubernetes.protobuf;as=x, " + kList) == "PartialObjectMetadataList");
  CHECK(kind("application/json;as=Unheard;g=meta.k8s.io;v=v1, application/json") == "NodeList");
  CHECK(kind("*/*") == "NodeList");
  // The form for the wrong kind of answer is chosen, and cannot be given.
  CHECK(asked(*api, kNodes, kOne + ", application/json").status == 406);
  CHECK(asked(*api, kNodes + "/worker", kList).status == 406);
}

TEST_CASE("servers that do not give metadata") {
  const auto api = seeded();
  api->set_metadata_served(api::MetadataServed::ignored);
  CHECK(asked(*api, kNodes, kList + ", application/json").json()["kind"] == "NodeList");
  CHECK(asked(*api, kNodes, kList).status == 406);
  api->set_metadata_served(api::MetadataServed::refused);
  CHECK(asked(*api, kNodes, kList + ", application/json").status == 406);
  CHECK(asked(*api, kNodes, "application/json").status == 200);
}

TEST_CASE("a watch of metadata: changes, deletions and bookmarks") {
  const auto api = seeded();
  api->set_bookmark_interval(10ms);
  const auto from = std::to_string(api->version());
  Exchange watch(*api, {.target = kNodes + "?watch=1&allowWatchBookmarks=1&resourceVersion=" + from,
                        .accept = kOne + ", application/json"});
  REQUIRE(api->wait_for_watches(1, 5s));
  api->patch(api::node_key("worker"), {{"metadata", {{"annotations", {{"a", "b"}}}}}});
  api->remove(api::node_key("worker2"));
  std::map<std::string, Json> seen;
  while (seen.size() < 3) {
    const Json frame = watch.frame();
    seen[frame["type"]] = frame["object"];
  }
  for (const auto& [type, object] : seen) {
    CAPTURE(type);
    CHECK(object["kind"] == "PartialObjectMetadata");
    CHECK(object["apiVersion"] == "meta.k8s.io/v1");
    CHECK(object.size() == 3);
  }
  CHECK(seen["MODIFIED"]["metadata"]["annotations"]["a"] == "b");
  CHECK(seen["DELETED"]["metadata"]["name"] == "worker2");
  CHECK(seen["BOOKMARK"]["metadata"] == Json{{"resourceVersion", std::to_string(api->version())}});
}

TEST_CASE("only large answers are compressed, for those who ask, and no watches") {
  const auto api = seeded();
  const auto reply = [&] { return fetch(*api, {.target = kNodes, .gzip = true}); };
  CHECK_FALSE(reply().headers.contains("content-encoding"));
  const auto plain = reply().body;
  api->set_gzip_above(plain.size() - 1);
  const auto zipped = reply();
  CHECK(zipped.headers.at("content-encoding") == "gzip");
  CHECK(zipped.body.size() < plain.size() / 2);
  std::string text;
  Gunzip gunzip;
  const auto outcome = gunzip.feed(zipped.body, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  CHECK(outcome == Gunzip::Outcome::good);
  CHECK(text == plain);
  CHECK_FALSE(get(*api, kNodes).headers.contains("content-encoding"));

  Exchange watch(*api, {.target = kNodes + "?watch=1&timeoutSeconds=1", .gzip = true});
  REQUIRE(watch.wait_for_headers() == Ending::open);
  CHECK_FALSE(watch.reply().headers.contains("content-encoding"));
}

TEST_CASE("a cache that lags answers who is content with it") {
  const auto api = seeded();
  const auto then = api->version();
  api->lag_at(then);
  api->remove(api::node_key("worker2"));
  const auto now = std::to_string(api->version());
  const auto count = [&](const std::string& query) {
    return get(*api, kNodes + query).json()["items"].size();
  };
  CHECK(count("") == 2);
  CHECK(count("?limit=500") == 2);
  CHECK(count("?resourceVersion=0") == 3);
  CHECK(count("?resourceVersion=0&limit=1") == 3);  // a cache has no pages
  CHECK(count("?resourceVersion=" + std::to_string(then)) == 3);
  CHECK(count("?resourceVersion=" + now + "&limit=500") == 2);  // etcd is asked
  const auto late = get(*api, kNodes + "?resourceVersion=" + now);
  CHECK(late.status == 504);
  CHECK(late.json()["message"] ==
        "Timeout: Too large resource version: " + now + ", current: " + std::to_string(then));
  CHECK(get(*api, kNodes + "/worker2").status == 404);
  CHECK(get(*api, kNodes + "/worker2?resourceVersion=0").status == 200);
  CHECK(get(*api, kNodes + "/worker?resourceVersion=" + now).status == 504);
  api->lag_at(std::nullopt);
  CHECK(count("?resourceVersion=0") == 2);
}

}  // namespace this_file
