// The agent's watches against a real HTTPS server: metadata of all Nodes, its own Node in full, and
// Nodes of which metadata is not enough.
#include "agent/core/cluster_watch.h"

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;
using api::Json;

namespace {

Json annotation(const std::string& name, const Json& value) {
  return {{"metadata", {{"annotations", {{name, value}}}}}};
}

struct Site {
  ApiFixture api;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};
  Store store{"worker"};
  std::unique_ptr<ApiClient> client;
  std::unique_ptr<ClusterWatch> watch;
  int changes = 0;
  std::map<std::string, int> peers;  // changes of each

  Site() {
    api.allow_token("good", "system:serviceaccount:kube-system:pellicle-agent");
    api.create(api::key_secret());
    for (const auto& node : api::kSeedNodes) api.create(api::node_object(node));
    // The control plane's agent is of this version, worker2's of the last.
    tell("control-plane");
  }
  void tell(const std::string& name) {
    const auto node = *api.get(api::node_key(name));
    api.patch(api::node_key(name),
              annotation("pellicle.io/internal-ips", node["status"]["addresses"][0]["address"]));
    api.patch(api::node_key(name),
              annotation("network.cilium.io/ipv4-pod-cidr", node["spec"]["podCIDR"]));
  }
  void start() {
    client = std::make_unique<ApiClient>(
        io,
        ApiAccess{.scheme_host_port = api.url(), .ca = {.text = api.ca_pem()}, .token = "good"});
    watch = std::make_unique<ClusterWatch>(
        io, *client, store, "worker",
        ClusterWatch::Callbacks{.on_change = [this] { ++changes; },
                                .on_peer = [this](const std::string& name) { ++peers[name]; }});
    watch->start();
  }
  bool until(const std::function<bool()>& done, std::chrono::milliseconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.run_one_for(20ms);
    }
    return true;
  }
  bool ready() {
    return until([this] { return store.snapshot().has_value() && api.open_watches() == 3; });
  }
  // GETs of one Node.
  size_t reads(const std::string& name) const {
    size_t count = 0;
    for (const auto& each : api.requests()) {
      if (each.verb == "get" && each.path == "/api/v1/nodes/" + name) ++count;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("peers come as metadata, the own Node in full, an old version's Node by one GET") {
  Site site;
  site.start();
  REQUIRE(site.ready());
  const auto nodes = site.store.snapshot()->nodes;
  REQUIRE(nodes.size() == 3);
  for (const auto& node : api::kSeedNodes) {
    CAPTURE(node.name);
    CHECK(nodes.at(node.name).internal_ipv4 == IpAddress::parse(node.internal_ip));
    CHECK(nodes.at(node.name).pod_cidrs == std::vector{*Cidr::parse(node.pod_cidr)});
  }
  CHECK(site.reads("worker2") == 1);
  CHECK(site.reads("control-plane") == 0);
  CHECK(site.reads("worker") == 0);
  for (const auto& each : site.api.requests()) {
    if (each.resource != "nodes" || each.verb == "get") continue;
    CAPTURE(each.verb, each.query);
    CHECK(each.metadata_only == (each.query.find("fieldSelector") == std::string::npos));
  }
}

TEST_CASE("a kubelet's heartbeat of a peer wakes nobody, the own one's change does") {
  Site site;
  site.start();
  REQUIRE(site.ready());
  const auto before = site.changes;
  const auto beat = [&](const char* name) {
    site.api.patch(api::node_key(name), {{"status", {{"heartbeat", site.api.version()}}}});
  };
  beat("control-plane");
  site.api.patch(api::node_key("control-plane"),
                 annotation("network.cilium.io/encryption-key", "3"));
  REQUIRE(site.until([&] { return site.peers["control-plane"] == 1; }));
  CHECK(site.changes == before);
  site.api.patch(
      api::node_key("worker"),
      {{"status",
        {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", "172.18.0.77"}}})}}}});
  REQUIRE(site.until([&] { return site.changes > before; }));
  CHECK(site.store.node("worker")->internal_ipv4 == IpAddress::parse("172.18.0.77"));
}

TEST_CASE("an old version's Node is read again when it changes, and no more once it is upgraded") {
  Site site;
  site.start();
  REQUIRE(site.ready());
  site.api.patch(
      api::node_key("worker2"),
      {{"status",
        {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", "172.18.0.66"}}})}}}});
  REQUIRE(site.until([&] {
    return site.store.node("worker2")->internal_ipv4 == IpAddress::parse("172.18.0.66");
  }));
  CHECK(site.reads("worker2") == 2);
  site.tell("worker2");
  REQUIRE(site.until([&] { return site.store.unclear().empty(); }));
  const auto reads = site.reads("worker2");
  site.api.patch(api::node_key("worker2"), annotation("network.cilium.io/encryption-key", "3"));
  REQUIRE(site.until([&] { return site.store.node("worker2")->key_id == 3; }));
  site.until([] { return false; }, 1500ms);
  CHECK(site.reads("worker2") == reads);
}

TEST_CASE("a server that refuses metadata gives everything in full, and nothing is read apart") {
  for (const auto served : {api::MetadataServed::refused, api::MetadataServed::ignored}) {
    Site site;
    site.api.set_metadata_served(served);
    site.start();
    REQUIRE(site.ready());
    CHECK(site.store.snapshot()->nodes.at("worker2").internal_ipv4 ==
          IpAddress::parse("172.18.0.4"));
    CHECK(site.reads("worker2") == 0);
    CHECK(site.watch->sources().at("nodes").healthy);
  }
}

TEST_CASE("a silent Node loses its claims though only metadata is watched") {
  Site site;
  site.tell("worker2");
  auto twin = api::node_object(api::kSeedNodes[0]);
  twin["metadata"]["name"] = "twin";
  site.api.create(twin);
  site.api.patch(
      api::node_key("twin"),
      {{"spec", {{"podCIDR", "10.0.0.0/24"}, {"podCIDRs", Json::array({"10.0.0.0/24"})}}}});
  site.tell("twin");
  site.start();
  REQUIRE(site.until([&] { return site.store.snapshot().has_value(); }));
  CHECK_FALSE(site.store.node("worker2")->silent);
  // Kubelet stops; the node controller writes.
  site.api.patch(
      api::node_key("worker2"),
      {{"status", {{"conditions", Json::array({{{"type", "Ready"}, {"status", "Unknown"}}})}}}});
  REQUIRE(site.until([&] { return site.store.node("worker2")->silent; }));
  CHECK(site.peers["worker2"] >= 1);
}

TEST_CASE("a GET that is refused is told, and tried again") {
  Site site;
  site.api.inject({.kind = api::FaultKind::answer, .status = 403, .verb = "get"});
  site.start();
  REQUIRE(site.until([&] { return site.watch->sources().contains("nodes in full"); }));
  const auto& health = site.watch->sources().at("nodes in full");
  CHECK(health.sentence.starts_with("Node worker2: 403 Forbidden"));
  CHECK_FALSE(site.store.snapshot());
  REQUIRE(site.ready());
  CHECK(health.healthy);
  CHECK(health.sentence.empty());
}

}  // namespace this_file
