// LIST: shape, selectors, pages and resourceVersions.
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"
#include "tests/unit/harness/client.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::client;

namespace {

const std::string kNodes = "/api/v1/nodes";
const std::string kSecrets = "/api/v1/namespaces/kube-system/secrets";

std::vector<std::string> names(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list["items"]) result.push_back(item["metadata"]["name"]);
  return result;
}

std::vector<std::string> names(const ApiFixture& api, const std::string& target) {
  return names(get(api, target).json());
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a list has the version it was made at, and items without kind") {
  const auto api = seeded();
  const Json list = get(*api, kNodes).json();
  CHECK(list["kind"] == "NodeList");
  CHECK(list["apiVersion"] == "v1");
  CHECK(list["metadata"] == Json{{"resourceVersion", std::to_string(api->version())}});
  CHECK(names(list) == Names{"control-plane", "worker", "worker2"});
  for (const Json& item : list["items"]) {
    CHECK_FALSE(item.contains("kind"));
    CHECK_FALSE(item.contains("apiVersion"));
    CHECK(item["metadata"].contains("resourceVersion"));
  }
  const ApiFixture empty;
  CHECK(get(*api, "/api/v1/namespaces/nowhere/secrets").json()["items"] == Json::array());
}

TEST_CASE("secrets are listed by namespace, by name, or all") {
  const auto api = seeded();
  Json other = api::key_secret();
  other["metadata"]["namespace"] = "default";
  api->create(other);
  other["metadata"]["namespace"] = "kube-system";
  other["metadata"]["name"] = "another";
  api->create(other);
  CHECK(names(*api, kSecrets) == Names{"another", "cilium-ipsec-keys"});
  CHECK(names(*api, kSecrets + "?fieldSelector=metadata.name%3Dcilium-ipsec-keys") ==
        Names{"cilium-ipsec-keys"});
  CHECK(names(*api, kSecrets + "?fieldSelector=metadata.name=absent").empty());
  CHECK(names(*api, "/api/v1/secrets").size() == 3);
  CHECK(get(*api, kSecrets + "?fieldSelector=data.keys=1").status == 400);
}

TEST_CASE("a limit cuts a list into pages of one version") {
  const auto api = seeded();
  const Json first = get(*api, kNodes + "?limit=2").json();
  CHECK(names(first) == Names{"control-plane", "worker"});
  CHECK(first["metadata"]["remainingItemCount"] == 1);
  const std::string token = first["metadata"]["continue"];
  api->remove(api::node_key("worker2"));
  api->create({{"kind", "Node"}, {"metadata", {{"name", "worker3"}}}});
  const Json second = get(*api, kNodes + "?limit=2&continue=" + token).json();
  CHECK(names(second) == Names{"worker2"});
  CHECK(second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]);
  CHECK_FALSE(second["metadata"].contains("continue"));
}

TEST_CASE("pages of all namespaces miss nothing and repeat nothing") {
  const auto api = seeded();
  for (const char* ns : {"a", "a-b", "b"}) {
    Json secret = api::key_secret();
    secret["metadata"]["namespace"] = ns;
    api->create(secret);
  }
  std::set<std::string> seen;
  std::string more;
  for (int page = 0; page < 4; ++page) {
    const Json list = get(*api, "/api/v1/secrets?limit=1" + more).json();
    REQUIRE(list["items"].size() == 1);
    seen.insert(list["items"][0]["metadata"]["namespace"].get<std::string>());
    more = "&continue=" + list["metadata"].value("continue", "");
  }
  CHECK(seen.size() == 4);
  CHECK(more == "&continue=");
}

TEST_CASE("a page whose version is forgotten answers 410 and a way to go on") {
  const auto api = seeded();
  const Json first = get(*api, kNodes + "?limit=1").json();
  api->forget_history();
  const std::string token = first["metadata"]["continue"];
  const Reply reply = get(*api, kNodes + "?limit=5&continue=" + token);
  CHECK(reply.status == 410);
  CHECK(reply.json()["reason"] == "Expired");
  const std::string fresh = reply.json()["metadata"]["continue"];
  CHECK(names(*api, kNodes + "?limit=5&continue=" + fresh) == Names{"worker", "worker2"});
  CHECK(get(*api, kNodes + "?continue=nonsense").status == 400);
  CHECK(get(*api, kNodes + "?resourceVersion=1&continue=" + token).status == 400);
}

TEST_CASE("a list at a version: not older than, exactly, forgotten, and yet to come") {
  const auto api = seeded();
  const std::string then = std::to_string(api->version());
  api->remove(api::node_key("worker2"));
  const std::string at_then = kNodes + "?resourceVersion=" + then;
  CHECK(names(*api, at_then).size() == 2);
  CHECK(names(*api, kNodes + "?resourceVersion=0").size() == 2);
  CHECK(names(*api, at_then + "&resourceVersionMatch=NotOlderThan").size() == 2);
  const Json exact = get(*api, at_then + "&resourceVersionMatch=Exact").json();
  CHECK(exact["items"].size() == 3);
  CHECK(exact["metadata"]["resourceVersion"] == then);
  CHECK(names(*api, at_then + "&limit=9").size() == 3);

  const Reply future = get(*api, kNodes + "?resourceVersion=999999");
  CHECK(future.status == 504);
  CHECK(future.headers.at("retry-after") == "1");
  api->forget_history();
  CHECK(get(*api, at_then + "&resourceVersionMatch=Exact").status == 410);
  CHECK(names(*api, at_then).size() == 2);
  CHECK(get(*api, kNodes + "?resourceVersion=abc").status == 400);
  CHECK(get(*api, kNodes + "?resourceVersionMatch=Exact").status == 400);
}

}  // namespace this_file
