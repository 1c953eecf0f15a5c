// List and watch against a real HTTPS server with all kinds of failures.
#include "agent/kube/watcher.h"

#include <algorithm>

#include "agent/kube/publish.h"
#include "agent/kube/store.h"
#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const api::ObjectKey kWorker{"nodes", "", "worker"};

// A watcher of all Nodes, in sync.
struct Watched : ApiServer {
  ApiClient client{io, access()};
  SeenNodes seen;
  Watcher watcher{io, client, all_nodes(), 5, seen.callbacks(), kFast};

  Watched() {
    watcher.start();
    REQUIRE(until([&] { return seen.syncs == 1; }));
    REQUIRE(until([&] { return api.open_watches() == 1; }));
  }
  void label(const std::string& value) {
    api.patch(kWorker, {{"metadata", {{"labels", {{"test", value}}}}}});
  }
  bool learns(const std::string& value) {
    return until(
        [&] { return seen.nodes["worker"].find("\"" + value + "\"") != std::string::npos; });
  }
  api::Json fourth() {
    return api::node_object({"worker3", "172.18.0.5", "10.0.3.0/24", "10.0.3.7",
                             "44444444-4444-4444-4444-444444444444"});
  }
};

}  // namespace

TEST_CASE("Nodes are listed, then watched") {
  Watched lab;
  CHECK(lab.seen.nodes.size() == 3);
  lab.api.create(lab.fourth());
  CHECK(lab.until([&] { return lab.seen.has("worker3"); }));
  lab.label("new");
  CHECK(lab.learns("new"));
  lab.api.remove({"nodes", "", "worker3"});
  CHECK(lab.until([&] { return !lab.seen.has("worker3"); }));
  CHECK(lab.seen.syncs == 1);
  CHECK(lab.seen.healthy);
}

TEST_CASE("a watch that is dropped, reset, cut or ended goes on without a list") {
  Watched lab;
  int round = 0;
  for (const auto kind : {api::FaultKind::drop, api::FaultKind::reset, api::FaultKind::truncate,
                          api::FaultKind::end}) {
    const auto name = "round-" + std::to_string(round++);
    INFO(name);
    REQUIRE(lab.until([&] { return lab.api.open_watches() == 1; }));
    CHECK(lab.api.disturb_watches(kind) == 1);
    lab.label(name);
    CHECK(lab.learns(name));
  }
  CHECK(lab.seen.syncs == 1);
}

TEST_CASE("what was deleted while the history was lost is gone after the new list") {
  for (const bool as_frame : {false, true}) {
    Watched lab;
    lab.api.set_gone_as_frame(as_frame);
    lab.api.go_away();
    REQUIRE(lab.until([&] { return !lab.seen.healthy; }));
    CHECK(lab.seen.trouble == "nodes: " + lab.api.url() + ": cannot connect");
    lab.api.remove({"nodes", "", "worker2"});
    lab.api.create(lab.fourth());
    lab.api.forget_history();
    CHECK(lab.seen.nodes.size() == 3);  // silence changes nothing
    lab.api.come_back();
    REQUIRE(lab.until([&] { return lab.seen.syncs >= 2 && lab.seen.healthy; }));
    CHECK(lab.seen.has("worker3"));
    CHECK_FALSE(lab.seen.has("worker2"));
  }
}

TEST_CASE("an ERROR frame of an expired version leads to a new list") {
  Watched lab;
  CHECK(lab.api.disturb_watches(api::FaultKind::expire) == 1);
  CHECK(lab.until([&] { return lab.seen.syncs == 2; }));
  lab.label("after");
  CHECK(lab.learns("after"));
}

TEST_CASE("garbage in a watch leads to a new list") {
  Watched lab;
  CHECK(lab.api.disturb_watches(api::FaultKind::garbage) == 1);
  CHECK(lab.until([&] { return lab.seen.syncs == 2 && lab.seen.healthy; }));
  lab.label("after");
  CHECK(lab.learns("after"));
}

TEST_CASE("a list that fails is tried again until it succeeds") {
  struct Row {
    api::Fault fault;
    std::string says;
  };
  const std::vector<Row> rows = {
      {{.kind = api::FaultKind::answer, .status = 500}, "nodes: 500 Internal Server Error"},
      {{.kind = api::FaultKind::garbage}, "nodes: the answer to the list request is not a list"},
      {{.kind = api::FaultKind::truncate}, "in the middle of the answer"},
      {{.kind = api::FaultKind::drop}, "closed before an answer came"},
  };
  for (const auto& row : rows) {
    INFO(row.says);
    ApiServer server;
    server.api.inject(row.fault);
    ApiClient client(server.io, server.access());
    SeenNodes seen;
    Watcher watcher(server.io, client, all_nodes(), 5, seen.callbacks(), kFast);
    watcher.start();
    REQUIRE(server.until([&] { return seen.syncs == 1 && seen.healthy; }));
    CHECK(seen.trouble.find(row.says) != std::string::npos);
    CHECK(seen.nodes.size() == 3);
  }
}

TEST_CASE("an overloaded server is left alone for as long as it asks") {
  ApiServer server;
  server.api.inject({.kind = api::FaultKind::answer, .status = 429, .retry_after = 2s});
  ApiClient client(server.io, server.access());
  SeenNodes seen;
  Watcher watcher(server.io, client, all_nodes(), 5, seen.callbacks(), kFast);
  const auto began = std::chrono::steady_clock::now();
  watcher.start();
  REQUIRE(server.until([&] { return seen.syncs == 1; }));
  CHECK(std::chrono::steady_clock::now() - began >= 2s);
  CHECK(seen.trouble.empty());  // not for a minute
}

TEST_CASE("a user without rights is told so in the server's words") {
  ApiServer server;
  server.api.forbid(kUser, "list", "nodes");
  ApiClient client(server.io, server.access());
  SeenNodes seen;
  Watcher watcher(server.io, client, all_nodes(), 5, seen.callbacks(), kFast);
  watcher.start();
  REQUIRE(server.until([&] { return !seen.trouble.empty(); }));
  CHECK(seen.trouble == std::string("nodes: 403 Forbidden: nodes is forbidden: User \"") + kUser +
                            "\" cannot list resource \"nodes\" in API group \"\" at the cluster "
                            "scope");
  CHECK(seen.syncs == 0);
  server.api.permit(kUser, "list", "nodes");
  CHECK(server.until([&] { return seen.syncs == 1 && seen.healthy; }));
}

TEST_CASE("the one Secret is watched, deleted and created again") {
  ApiServer server;
  server.api.create(api::key_secret());
  ApiClient client(server.io, server.access());
  Store store;
  store.nodes_listed({});
  Watcher watcher(server.io, client, key_secret(), 5,
                  {.on_sync = [&](const auto& objects) { store.secret_listed(objects); },
                   .on_change = [&](const auto& object,
                                    bool deleted) { store.secret_changed(object, deleted); },
                   .on_trouble = {},
                   .on_healthy = {}},
                  kFast);
  watcher.start();
  REQUIRE(server.until([&] { return store.snapshot().has_value(); }));
  CHECK(store.snapshot()->key->id == 3);
  CHECK(store.snapshot()->problems.empty());
  REQUIRE(server.until([&] { return server.api.open_watches() == 1; }));
  server.api.remove({"secrets", "kube-system", "cilium-ipsec-keys"});
  REQUIRE(server.until([&] { return !store.snapshot()->problems.empty(); }));
  CHECK(store.snapshot()->key->id == 3);
  server.api.create(
      api::key_secret("4 rfc4106(gcm(aes)) 131211100f0e0d0c0b0a09080706050403020100 128"));
  REQUIRE(server.until([&] { return store.snapshot()->key->id == 4; }));
  CHECK(store.snapshot()->problems.empty());
  for (const auto& request : server.api.requests()) {
    CHECK(request.query.find("fieldSelector=metadata.name") != std::string::npos);
  }
}

TEST_CASE("annotations are published once, again after a failure, and repaired") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  std::string trouble;
  bool healthy = false;
  Publisher publisher(server.io, client, "worker", 5,
                      {.on_trouble = [&](const std::string& sentence) { trouble = sentence; },
                       .on_healthy = [&] { healthy = true; }});
  const auto wanted =
      published({{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse("10.0.1.138")}}, 3);
  const auto present = [&] {
    return decode_node({.name = "worker", .text = server.api.get(kWorker)->dump()}).annotations;
  };
  const auto patches = [&] {
    int count = 0;
    for (const auto& request : server.api.requests()) count += request.method == "PATCH" ? 1 : 0;
    return count;
  };
  server.api.inject({.kind = api::FaultKind::answer, .status = 500, .verb = "patch"});
  const auto before = present();
  publisher.publish(wanted, before);
  publisher.publish(wanted, before);
  REQUIRE(server.until([&] { return healthy; }));
  CHECK(trouble.starts_with("publishing annotations on Node worker: 500 Internal Server Error"));
  CHECK(difference(wanted, present()).empty());
  CHECK(patches() == 2);  // the refused one and the successful one
  CHECK(server.api.requests().back().path == "/api/v1/nodes/worker/status");

  publisher.publish(wanted, before);     // the watch has not delivered the change yet
  publisher.publish(wanted, present());  // now it has
  CHECK_FALSE(server.until([&] { return patches() > 2; }, 100ms));
  server.api.patch(kWorker,
                   {{"metadata", {{"annotations", {{"network.cilium.io/encryption-key", "9"}}}}}});
  publisher.publish(wanted, present());
  REQUIRE(server.until([&] { return patches() == 3; }));
  CHECK(present().at("network.cilium.io/encryption-key") == "3");
}

TEST_CASE("acknowledgements of keys wait for their turn, and what is urgent takes them along") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  std::string trouble;
  Publisher publisher(
      server.io, client, "worker", 5,
      {.on_trouble = [&](const std::string& sentence) { trouble = sentence; }, .on_healthy = {}});
  const auto patches = [&] {
    const auto requests = server.api.requests();
    return std::count_if(requests.begin(), requests.end(),
                         [](const auto& request) { return request.method == "PATCH"; });
  };
  const auto wanted = [](const char* router, uint8_t key) {
    return published({{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse(router)}}, key);
  };
  server.api.inject({.kind = api::FaultKind::answer, .status = 429, .verb = "patch"});
  publisher.publish(wanted("10.0.1.138", 3), {}, 1h);
  REQUIRE(server.until([&] { return patches() == 2; }));  // urgent, and an overload is no trouble
  CHECK(trouble.empty());

  publisher.publish(wanted("10.0.1.138", 4), wanted("10.0.1.138", 3), 1h);
  CHECK_FALSE(server.until([&] { return patches() > 2; }, 200ms));
  publisher.publish(wanted("10.0.1.139", 4), wanted("10.0.1.138", 3), 1h);
  REQUIRE(server.until([&] { return patches() == 3; }));
  const auto shown =
      decode_node({.name = "worker", .text = server.api.get(kWorker)->dump()}).annotations;
  CHECK(difference(wanted("10.0.1.139", 4), shown).empty());

  publisher.publish(wanted("10.0.1.139", 5), wanted("10.0.1.139", 4), 50ms);
  REQUIRE(server.until([&] { return patches() == 4; }));
}

}  // namespace this_file
