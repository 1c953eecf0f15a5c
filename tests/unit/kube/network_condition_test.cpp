#include "agent/kube/network_condition.h"

#include <nlohmann/json.hpp>

#include "agent/kube/store.h"
#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;

namespace {

const api::Json kReady = {{"type", "Ready"}, {"status", "True"}};
const api::Json kUnavailable = {
    {"type", "NetworkUnavailable"}, {"status", "True"}, {"reason", "NoRouteCreated"}};

api::Json conditions(const ApiFixture& api) {
  return (*api.get(api::node_key("worker")))["status"].value("conditions", api::Json());
}

}  // namespace

TEST_CASE("a Node that says that it has no network is said to have one; nothing else changes") {
  ApiServer server;
  server.api.patch(api::node_key("worker"), {{"status", {{"conditions", {kUnavailable, kReady}}}}});
  server.api.forbid(kUser, "patch", "nodes");  // access to the subresource is enough
  server.api.inject({.kind = api::FaultKind::answer, .status = 503, .verb = "patch"});
  ApiClient client(server.io, server.access());
  int written = 0;
  std::string trouble;
  NetworkCondition condition(
      server.io, client, "worker", 1,
      {.on_written = [&] { ++written; },
       .on_trouble = [&](const std::string& sentence) { trouble = sentence; }});
  REQUIRE(server.until([&] {
    condition.available();  // as after every pass
    return written == 1;
  }));
  CHECK_THAT(trouble, Catch::Contains("NetworkUnavailable of Node worker: 503"));
  const auto now = conditions(server.api);
  REQUIRE(now.size() == 2);
  CHECK(now[0]["status"] == "False");
  CHECK(now[0]["reason"] == "PellicleIsUp");
  CHECK(now[1] == kReady);
  condition.available();
  CHECK_FALSE(server.until([&] { return written == 2; }, std::chrono::milliseconds(300)));
}

TEST_CASE("the store knows whether a Node says that it has no network, and whether it is silent") {
  Store store;
  const auto node = [&](const api::Json& all) {
    store.node_changed(
        {.name = "worker", .text = api::Json{{"status", {{"conditions", all}}}}.dump()}, false);
  };
  node({kReady});
  CHECK_FALSE(store.network_unavailable("worker"));
  CHECK_FALSE(store.node("worker")->silent);
  node({kUnavailable, {{"type", "Ready"}, {"status", "Unknown"}}});
  CHECK(store.network_unavailable("worker"));
  CHECK(store.node("worker")->silent);
  node({{{"type", "NetworkUnavailable"}, {"status", "False"}},
        {{"type", "Ready"}, {"status", "False"}}});
  CHECK_FALSE(store.network_unavailable("worker"));
  CHECK_FALSE(store.node("worker")->silent);
  for (const auto& odd : {api::Json(5), api::Json("Ready"), api::Json{{"type", 5}}}) node(odd);
  CHECK_FALSE(store.node("worker")->silent);
}

}  // namespace this_file
