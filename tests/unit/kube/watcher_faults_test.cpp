// List, watch and publishing with an unstable server and competing writers.
#include <algorithm>
#include <random>

#include "agent/kube/publish.h"
#include "agent/kube/store.h"
#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

const api::ObjectKey kOwnNode{"nodes", "", "worker"};

// A watcher of all Nodes, from its start.
struct Follows {
  ApiServer& server;
  ApiClient client{server.io, server.access()};
  SeenNodes seen;
  Watcher watcher{server.io, client, all_nodes(), 5, seen.callbacks(), kFast};

  explicit Follows(ApiServer& followed) : server(followed) { watcher.start(); }
  bool in_step() {
    return server.until([&] {
      const auto now = server.api.list("nodes");
      return seen.nodes.size() == now.size() &&
             std::all_of(now.begin(), now.end(), [&](const api::Json& node) {
               const auto version = node["metadata"]["resourceVersion"].get<std::string>();
               const auto known = seen.nodes.find(node["metadata"]["name"].get<std::string>());
               return known != seen.nodes.end() &&
                      known->second.find("\"" + version + "\"") != std::string::npos;
             });
    });
  }
};

size_t count_of(const ApiServer& server, const std::string& verb) {
  const auto requests = server.api.requests();
  return size_t(std::count_if(requests.begin(), requests.end(),
                              [&](const auto& request) { return request.verb == verb; }));
}

}  // namespace

TEST_CASE(
    "an API that comes and goes all the time is followed, and nothing is lost of what is known") {
  ApiServer server;
  Follows agent(server);
  REQUIRE(agent.in_step());
  std::mt19937 dice(3);
  size_t fewest = 3;
  for (int i = 0; i < 15; ++i) {
    server.api.go_away();
    const auto away = std::chrono::milliseconds(dice() % 60);
    (void)server.until([&] { return false; }, away);
    server.api.patch(kOwnNode, {{"metadata", {{"labels", {{"round", std::to_string(i)}}}}}});
    if (i % 4 == 3) server.api.forget_history();
    server.api.come_back();
    (void)server.until([&] { return false; }, std::chrono::milliseconds(dice() % 60));
    fewest = std::min(fewest, agent.seen.nodes.size());
  }
  CHECK(agent.in_step());
  CHECK(server.until([&] { return agent.seen.healthy; }));
  CHECK(fewest == 3);
}

TEST_CASE("an API that forgets every version is not listed in a tight loop, and is said") {
  for (const bool as_frame : {false, true}) {
    ApiServer server;
    server.api.set_gone_as_frame(as_frame);
    server.api.inject(
        {.kind = api::FaultKind::expire, .verb = "watch", .times = api::kUntilCleared});
    Follows agent(server);
    REQUIRE(server.until([&] { return agent.seen.syncs >= 5; }));
    CHECK(agent.seen.trouble ==
          "nodes: the server has forgotten each version that it has just told (410)");
    CHECK_FALSE(agent.seen.healthy);
    CHECK(count_of(server, "list") <= count_of(server, "watch") + 1);
    CHECK(agent.seen.nodes.size() == 3);
    server.api.clear_faults();
    server.api.set_bookmark_interval(100ms);
    CHECK(server.until([&] { return agent.seen.healthy; }));
    CHECK(agent.in_step());
  }
}

TEST_CASE("Nodes of a megabyte are read, and one that says too much is named beside the others") {
  ApiServer server;
  auto big = api::node_object(
      {"worker3", "172.18.0.5", "10.0.3.0/24", "10.0.3.7", "44444444-4444-4444-4444-444444444444"});
  for (int i = 0; i < 5000; ++i) {
    big["status"]["images"].push_back(
        {{"names", {"registry/" + std::string(80, 'i')}}, {"sizeBytes", i}});
    big["metadata"]["annotations"]["example.com/" + std::to_string(i)] = std::string(120, 'a');
  }
  REQUIRE(big.dump().size() > 1'000'000);
  server.api.create(big);
  server.api.patch(kOwnNode,
                   {{"metadata",
                     {{"annotations",
                       {{"network.cilium.io/encryption-key", std::string(1 << 20, '3')},
                        {"network.cilium.io/ipv4-cilium-host", std::string(1 << 20, '1')}}}}}});
  Follows agent(server);
  REQUIRE(agent.in_step());
  CHECK(agent.seen.nodes["worker3"].size() < 4000);

  Store store;
  std::vector<ApiObject> listed;
  for (const auto& [name, text] : agent.seen.nodes) listed.push_back({.name = name, .text = text});
  store.nodes_listed(listed);
  store.secret_listed({});
  const auto known = store.snapshot();
  CHECK(known->nodes.size() == 4);
  CHECK(known->nodes.at("worker3").router_ipv4 == IpAddress::parse("10.0.3.7"));
  CHECK(known->nodes.at("worker2").router_ipv4);
  std::vector<std::string> named;
  for (const auto& problem : known->problems) {
    CHECK(problem.to_string().size() < 300);  // the value is not quoted
    if (problem.object == "Node worker") named.push_back(problem.field);
  }
  CHECK(named ==
        std::vector<std::string>{"metadata.annotations[network.cilium.io/ipv4-cilium-host]",
                                 "metadata.annotations[network.cilium.io/encryption-key]"});
}

// As with two agents of one node name, or an agent beside Cilium's: each restores its own values.
TEST_CASE("two that publish for one Node do not flood the API, and both say so") {
  ApiServer server;
  server.api.patch(kOwnNode, {{"metadata", {{"annotations", nullptr}}}});
  struct Side {
    ApiClient client;
    Annotations wanted;
    std::string trouble;
    bool healthy = false;
    Publisher publisher;
    Side(ApiServer& server, const char* router)
        : client(server.io, server.access()),
          wanted(published({{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse(router)}}, 3)),
          publisher(server.io, client, "worker", 5,
                    {.on_trouble = [this](const std::string& sentence) { trouble = sentence; },
                     .on_healthy = [this] { healthy = true; }},
                    kFast) {}
  };
  const auto present = [&] {
    return decode_node({.name = "worker", .text = server.api.get(kOwnNode)->dump()}).annotations;
  };
  Side one(server, "10.0.1.138");
  Side other(server, "10.0.1.139");
  // Both see every change of the Node, as through a watch.
  uint64_t heard = 0;
  const auto look = [&](bool both) {
    ++heard;
    const auto now = present();
    one.publisher.publish(one.wanted, now);
    if (both) other.publisher.publish(other.wanted, now);
  };
  REQUIRE(server.until([&] {
    look(true);
    return count_of(server, "patch") >= 12;
  }));
  for (const auto* side : {&one, &other}) {
    CHECK(side->trouble ==
          "publishing annotations on Node worker: somebody else keeps changing "
          "network.cilium.io/ipv4-cilium-host; expected no other agent with this node name, and no "
          "other program that writes it");
  }
  // Without pauses every look would cause a patch.
  CHECK(heard > 2 * count_of(server, "patch"));
  // The other writer ends: our values stay, and the trouble ends.
  one.healthy = false;
  REQUIRE(server.until([&] {
    look(false);
    return one.healthy;
  }));
  CHECK(difference(one.wanted, present()).empty());
}

TEST_CASE("a Node that is made anew again and again was changed by nobody, and is written anew") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  std::string trouble;
  Publisher publisher(server.io, client, "worker", 5,
                      {.on_trouble = [&](const std::string& sentence) { trouble = sentence; },
                       .on_healthy = nullptr},
                      kFast);
  const auto wanted =
      published({{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse("10.0.1.138")}}, 3);
  for (int i = 0; i < 4; ++i) {
    server.api.patch(kOwnNode, {{"metadata", {{"annotations", nullptr}}}});
    CHECK(server.until([&] {
      const auto now =
          decode_node({.name = "worker", .text = server.api.get(kOwnNode)->dump()}).annotations;
      publisher.publish(wanted, now);
      return difference(wanted, now).empty();
    }));
  }
  CHECK(trouble.empty());
}

}  // namespace this_file
