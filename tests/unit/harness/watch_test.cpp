// WATCH: which events it sends, in which order, and how it ends.
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kWatch = "/api/v1/nodes?watch=true";

std::string from(const ApiFixture& api) {
  return kWatch + "&resourceVersion=" + std::to_string(api.version());
}

// "ADDED worker", or "BOOKMARK" with its resourceVersion.
std::string told(Exchange& watch) {
  const Json frame = watch.frame();
  const Json& metadata = frame["object"]["metadata"];
  return frame["type"].get<std::string>() + " " +
         (metadata.contains("name") ? metadata["name"] : metadata["resourceVersion"])
             .get<std::string>();
}

void annotate(ApiFixture& api, const std::string& node, const Json& value) {
  api.patch(api::node_key(node), {{"metadata", {{"annotations", {{"test", value}}}}}});
}

}  // namespace

TEST_CASE("a watch from a version tells what happened since, then what happens") {
  const auto api = seeded();
  const std::string target = from(*api);
  annotate(*api, "worker", "1");
  Exchange watch(*api, {.target = target});
  CHECK(told(watch) == "MODIFIED worker");
  CHECK(watch.reply().status == 200);
  CHECK(watch.reply().headers.at("transfer-encoding") == "chunked");
  CHECK(watch.reply().headers.at("content-type") == "application/json");
  api->remove(api::node_key("worker2"));
  CHECK(told(watch) == "DELETED worker2");
  api->create(api::node_object(api::kSeedNodes[1]));
  const Json added = watch.frame();
  CHECK(added["type"] == "ADDED");
  CHECK(added["object"] == *api->get(api::node_key("worker2")));
  CHECK(watch.wait_for_end(20ms) == Ending::open);
}

TEST_CASE("a deleted object is told as it was, under the version of its deletion") {
  const auto api = seeded();
  Exchange watch(*api, {.target = from(*api)});
  api->remove(api::node_key("worker"));
  const Json frame = watch.frame();
  CHECK(frame["type"] == "DELETED");
  CHECK(frame["object"]["kind"] == "Node");
  CHECK(frame["object"]["spec"]["podCIDR"] == "10.0.1.0/24");
  CHECK(frame["object"]["metadata"]["resourceVersion"] == std::to_string(api->version()));
}

TEST_CASE("a watch without a version begins with what is there") {
  const auto api = seeded();
  for (const char* version : {"", "&resourceVersion=0"}) {
    Exchange watch(*api, {.target = kWatch + version});
    CHECK(told(watch) == "ADDED control-plane");
    CHECK(told(watch) == "ADDED worker");
    CHECK(told(watch) == "ADDED worker2");
    annotate(*api, "worker", version);
    CHECK(told(watch) == "MODIFIED worker");
  }
}

TEST_CASE("what changed nothing and what is of another kind is not told") {
  const auto api = seeded();
  Exchange watch(*api, {.target = from(*api)});
  annotate(*api, "worker", nullptr);
  api->remove(api::secret_key("kube-system", "cilium-ipsec-keys"));
  CHECK_FALSE(watch.line(30ms));
  annotate(*api, "worker2", "1");
  CHECK(told(watch) == "MODIFIED worker2");
}

TEST_CASE("a Secret deleted and made again is told as both") {
  const auto api = seeded();
  Exchange watch(*api, {.target = "/api/v1/namespaces/kube-system/secrets?watch=1&fieldSelector="
                                  "metadata.name%3Dcilium-ipsec-keys&resourceVersion=" +
                                  std::to_string(api->version())});
  Json other = api::key_secret();
  other["metadata"]["name"] = "other";
  api->create(other);
  api->remove(api::secret_key("kube-system", "cilium-ipsec-keys"));
  api->create(api::key_secret());
  CHECK(told(watch) == "DELETED cilium-ipsec-keys");
  CHECK(told(watch) == "ADDED cilium-ipsec-keys");
}

TEST_CASE("an object that leaves the selection is told as deleted, as it was, and may come back") {
  const auto api = seeded();
  Exchange watch(*api, {.target = from(*api) + "&fieldSelector=spec.unschedulable%3Dfalse"});
  api->patch(api::node_key("worker"), {{"spec", {{"unschedulable", true}}}});
  const Json left = watch.frame();
  CHECK(left["type"] == "DELETED");
  CHECK_FALSE(left["object"]["spec"].contains("unschedulable"));
  CHECK(left["object"]["metadata"]["resourceVersion"] == std::to_string(api->version()));
  annotate(*api, "worker", "unseen");
  api->patch(api::node_key("worker"), {{"spec", {{"unschedulable", nullptr}}}});
  CHECK(told(watch) == "ADDED worker");
}

TEST_CASE("bookmarks are sent in between and at the end, to those who asked") {
  const auto api = seeded();
  api->set_bookmark_interval(30ms);
  Exchange plain(*api, {.target = from(*api) + "&timeoutSeconds=1"});
  Exchange watch(*api, {.target = from(*api) + "&timeoutSeconds=1&allowWatchBookmarks=true"});
  const std::string version = std::to_string(api->version());
  const Json bookmark = watch.frame();
  CHECK(bookmark["type"] == "BOOKMARK");
  CHECK(bookmark["object"]["kind"] == "Node");
  CHECK(bookmark["object"]["metadata"] == Json{{"resourceVersion", version}});
  CHECK(told(watch) == "BOOKMARK " + version);
  api->forget_history();  // other clients write: a bookmark also has versions without events
  const std::string later = std::to_string(api->version());
  std::string last;
  while (auto line = watch.line()) last = *line;
  CHECK(Json::parse(last)["type"] == "BOOKMARK");
  CHECK(Json::parse(last)["object"]["metadata"]["resourceVersion"] == later);
  CHECK(watch.wait_for_end() == Ending::complete);
  CHECK(plain.wait_for_end() == Ending::complete);
  CHECK(plain.reply().body.empty());
}

TEST_CASE("a watch ends cleanly at its timeout and the connection goes on") {
  const auto api = seeded();
  api->set_default_watch_timeout(300ms);
  Exchange watch(*api, {.target = from(*api)});
  REQUIRE(watch.wait_for_headers() == Ending::open);
  REQUIRE(watch.wait_for_end() == Ending::complete);
  watch.ask({.target = "/api/v1/nodes/worker"});
  REQUIRE(watch.wait_for_end() == Ending::complete);
  CHECK(watch.reply().json()["kind"] == "Node");
}

TEST_CASE("a version that is too old is answered 410, or told in the stream") {
  const auto api = seeded();
  const std::string target = from(*api);
  api->forget_history();
  const Reply reply = get(*api, target);
  CHECK(reply.status == 410);
  CHECK(reply.json()["reason"] == "Expired");
  CHECK(reply.json()["message"].get<std::string>().starts_with("too old resource version: "));

  api->set_gone_as_frame(true);
  Exchange watch(*api, {.target = target});
  const Json frame = watch.frame();
  CHECK(frame["type"] == "ERROR");
  CHECK(frame["object"]["kind"] == "Status");
  CHECK(frame["object"]["code"] == 410);
  CHECK(watch.wait_for_end() == Ending::complete);
  CHECK(watch.reply().status == 200);
  annotate(*api, "worker", "1");
  Exchange fresh(*api, {.target = from(*api)});
  annotate(*api, "worker", "2");
  CHECK(told(fresh) == "MODIFIED worker");
}

TEST_CASE("an open watch misses nothing when the history is forgotten") {
  const auto api = seeded();
  Exchange watch(*api, {.target = from(*api)});
  REQUIRE(watch.wait_for_headers() == Ending::open);
  annotate(*api, "worker", "1");
  api->forget_history();
  annotate(*api, "worker", "2");
  CHECK(told(watch) == "MODIFIED worker");
  CHECK(told(watch) == "MODIFIED worker");
}

TEST_CASE("a watch from a version that is yet to come waits for it") {
  const auto api = seeded();
  const std::string future = std::to_string(api->version() + 1);
  Exchange watch(*api, {.target = kWatch + "&allowWatchBookmarks=true&timeoutSeconds=1" +
                                  "&resourceVersion=" + future});
  REQUIRE(watch.wait_for_headers() == Ending::open);
  CHECK(watch.reply().status == 200);
  annotate(*api, "worker", "that version");
  annotate(*api, "worker2", "the next");
  CHECK(told(watch) == "MODIFIED worker2");
}

TEST_CASE("watches are counted while they are open") {
  const auto api = seeded();
  CHECK(api->open_watches() == 0);
  {
    Exchange nodes(*api, {.target = kWatch});
    Exchange secrets(*api, {.target = "/api/v1/secrets?watch=1"});
    CHECK(api->wait_for_watches(2, 5s));
    CHECK(api->open_watches("nodes") == 1);
  }
  CHECK(api->wait_for_watches(0, 5s));  // although the server sent nothing that could have failed
}

TEST_CASE("what a watch cannot be asked for") {
  const auto api = seeded();
  CHECK(get(*api, kWatch + "&resourceVersion=abc").status == 400);
  CHECK(get(*api, kWatch + "&fieldSelector=nope=1").status == 400);
  CHECK(get(*api, kWatch + "&sendInitialEvents=true").status == 422);
}

TEST_CASE("a hundred changes reach ten watchers in order") {
  const auto api = seeded();
  std::vector<std::unique_ptr<Exchange>> watchers;
  watchers.reserve(10);
  for (int i = 0; i < 10; ++i)
    watchers.push_back(std::make_unique<Exchange>(*api, Ask{.target = from(*api)}));
  REQUIRE(api->wait_for_watches(10, 5s));
  for (int i = 0; i < 100; ++i) annotate(*api, "worker", std::to_string(i));
  for (const auto& watcher : watchers)
    for (int i = 0; i < 100; ++i)
      REQUIRE(watcher->frame()["object"]["metadata"]["annotations"]["test"] == std::to_string(i));
}

}  // namespace this_file
