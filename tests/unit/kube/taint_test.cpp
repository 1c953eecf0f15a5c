#include "agent/kube/taint.h"

#include <nlohmann/json.hpp>

#include "agent/kube/store.h"
#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;
using nlohmann::json;

namespace {

const api::Json kOther = {{"key", "node.kubernetes.io/not-ready"}, {"effect", "NoSchedule"}};
const api::Json kOurs = {{"key", kNotReadyTaint}, {"value", "true"}, {"effect", "NoExecute"}};

void taint(ApiFixture& api, const api::Json& taints) {
  api.patch(api::node_key("worker"), {{"spec", {{"taints", taints}}}});
}

api::Json taints(const ApiFixture& api) {
  return (*api.get(api::node_key("worker")))["spec"].value("taints", api::Json());
}

struct Writer {
  ApiServer server;
  ApiClient client{server.io, server.access()};
  int written = 0;
  int done = 0;
  std::string trouble;
  std::string forbidden;
  TaintWriter writer{
      server.io,
      client,
      "worker",
      1,
      {.on_done =
           [this](bool wrote) {
             ++done;
             written += wrote ? 1 : 0;
           },
       .on_trouble = [this](const std::string& sentence) { trouble = sentence; },
       .on_forbidden = [this](const std::string& sentence) { forbidden = sentence; }}};
};

}  // namespace

TEST_CASE("the patch leaves every other taint, and is for the Node that was seen") {
  CHECK_FALSE(untaint_patch(R"({"spec": {"taints": [{"key": "other"}]}})"));
  for (const char* odd : {"", "[]", "{}", R"({"spec": {"taints": 5}})", R"({"spec": null})"}) {
    CHECK_FALSE(untaint_patch(odd));
  }
  const json node = {{"metadata", {{"resourceVersion", "7"}}},
                     {"spec", {{"taints", {kOther, kOurs}}}}};
  CHECK(json::parse(untaint_patch(node.dump()).value()) ==
        json{{"metadata", {{"resourceVersion", "7"}}}, {"spec", {{"taints", {kOther}}}}});
}

TEST_CASE("the taint is taken off and the others stay") {
  Writer at;
  taint(at.server.api, {kOurs, kOther});
  at.writer.remove();
  at.writer.remove();
  REQUIRE(at.server.until([&] { return at.written > 0; }));
  CHECK(taints(at.server.api) == api::Json::array({kOther}));
  taint(at.server.api, api::Json::array({kOurs}));
  at.writer.remove();
  REQUIRE(at.server.until([&] { return at.written > 1; }));
  CHECK(taints(at.server.api).is_null());
}

TEST_CASE("a Node that changes meanwhile and an API that fails are tried again") {
  Writer at;
  taint(at.server.api, api::Json::array({kOurs}));
  at.server.api.inject({.kind = api::FaultKind::answer, .status = 409, .verb = "patch"});
  at.server.api.inject({.kind = api::FaultKind::answer, .status = 503, .verb = "get"});
  at.writer.remove();
  REQUIRE(at.server.until([&] { return at.written > 0; }));
  CHECK_THAT(at.trouble,
             Catch::StartsWith("changing the taint node.cilium.io/agent-not-ready: 503"));
  CHECK(taints(at.server.api).is_null());
}

TEST_CASE("the taint is put beside the others, once") {
  CHECK_FALSE(taint_patch(R"({"spec": {"taints": 5}})"));
  CHECK_FALSE(taint_patch("[]"));
  Writer at;
  taint(at.server.api, api::Json::array({kOther}));
  at.writer.put();
  REQUIRE(at.server.until([&] { return at.done == 1; }));
  at.writer.put();
  REQUIRE(at.server.until([&] { return at.done == 2; }));
  CHECK(at.written == 1);
  const api::Json put = {{"key", kNotReadyTaint}, {"value", "true"}, {"effect", "NoSchedule"}};
  CHECK(taints(at.server.api) == api::Json::array({kOther, put}));
}

TEST_CASE("a change that is forbidden, and one of a Node that has gone, is not tried again") {
  Writer at;
  taint(at.server.api, api::Json::array({kOurs}));
  at.server.api.forbid(kUser, "patch", "nodes");
  at.writer.remove();
  REQUIRE(at.server.until([&] { return !at.forbidden.empty(); }));
  CHECK_THAT(at.forbidden, Catch::Contains("403"));
  CHECK(at.trouble.empty());
  at.server.api.remove(api::node_key("worker"));
  at.writer.remove();
  REQUIRE(at.server.until([&] { return at.done == 1; }));
  CHECK(at.written == 0);
  CHECK(at.trouble.empty());
}

TEST_CASE("the store knows whether a Node has the taint") {
  Store store;
  CHECK_FALSE(store.tainted("worker"));
  const json node = {{"spec", {{"taints", {kOther, kOurs}}}}};
  store.node_changed({.name = "worker", .text = node.dump()}, false);
  CHECK(store.tainted("worker"));
  store.node_changed({.name = "worker", .text = "{}"}, false);
  CHECK_FALSE(store.tainted("worker"));
}

}  // namespace this_file
