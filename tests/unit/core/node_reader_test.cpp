// How often Nodes are read in full.
#include "agent/core/node_reader.h"

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

constexpr ReadingRate kQuick{.first = 20ms, .longest = 5'000ms, .at_once = 2};

// The Nodes' metadata come from the test, as a watch would bring them.
struct Reading {
  ApiFixture api;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{io.get_executor()};
  Store store;
  std::unique_ptr<ApiClient> client;
  std::unique_ptr<NodeReader> reader;
  std::vector<std::string> changed;
  std::string trouble;

  Reading() {
    api.allow_token("good", "system:serviceaccount:kube-system:pellicle-agent");
    for (const auto& node : api::kSeedNodes) api.create(api::node_object(node));
    client = std::make_unique<ApiClient>(
        io,
        ApiAccess{.scheme_host_port = api.url(), .ca = {.text = api.ca_pem()}, .token = "good"});
    reader = std::make_unique<NodeReader>(
        io, *client, store,
        NodeReader::Callbacks{
            .on_change = [this](const std::string& name) { changed.push_back(name); },
            .on_trouble = [this](const std::string& sentence) { trouble = sentence; }},
        kQuick);
  }
  // With the addresses in annotations, or without.
  ApiObject metadata(const std::string& name, bool telling) const {
    const auto node = *api.get(api::node_key(name));
    auto object = api::metadata_of(node);
    if (telling) {
      object["metadata"]["annotations"]["pellicle.io/internal-ips"] = "172.18.0.99";
    }
    return {.name = name, .text = object.dump(), .metadata_only = true};
  }
  void run_for(std::chrono::milliseconds time) {
    io.restart();
    io.run_for(time);
  }
  // A change of the Node that says nothing new, every 10 ms for that long; the number of GETs.
  size_t reads_while_it_beats(const std::string& name, bool telling,
                              std::chrono::milliseconds time) {
    api.clear_requests();
    const auto end = std::chrono::steady_clock::now() + time;
    for (size_t i = 0; std::chrono::steady_clock::now() < end; ++i) {
      api.patch(api::node_key(name), {{"metadata", {{"labels", {{"n", std::to_string(i)}}}}}});
      store.node_changed(metadata(name, telling), false);
      reader->look();
      run_for(10ms);
    }
    return api.requests().size();
  }
};

}  // namespace

TEST_CASE("reads that bring nothing new become rarer, and one that does makes them frequent") {
  Reading site;
  site.store.nodes_listed({site.metadata("worker", false)});
  // After 20, 40, 80 .. 1280 ms, not every 20 ms.
  CHECK(site.reads_while_it_beats("worker", false, 2500ms) <= 9);
  CHECK(site.changed == std::vector<std::string>{"worker"});
  site.api.patch(api::node_key("worker"), {{"spec", {{"podCIDRs", {"10.0.7.0/24"}}}}});
  site.reads_while_it_beats("worker", false, 3000ms);
  CHECK(site.changed.size() == 2);
  CHECK(site.store.node("worker")->pod_cidrs == std::vector{*Cidr::parse("10.0.7.0/24")});
}

TEST_CASE("rivals are read at each change, as it matters at once whether one is silent") {
  Reading site;
  site.store.nodes_listed({site.metadata("worker", true), site.metadata("worker2", true)});
  CHECK(site.store.unclear().size() == 2);
  site.reader->look();
  CHECK(site.reads_while_it_beats("worker", true, 3000ms) >= 12);
}

TEST_CASE("only some Nodes are read at once, and all of them in the end") {
  Reading site;
  site.api.inject(
      {.kind = api::FaultKind::delay, .delay = 200ms, .verb = "get", .times = api::kUntilCleared});
  site.store.nodes_listed({site.metadata("worker", false), site.metadata("worker2", false),
                           site.metadata("control-plane", false)});
  const auto began = std::chrono::steady_clock::now();
  site.reader->look();
  while (site.changed.size() < 3 && std::chrono::steady_clock::now() - began < 20s) {
    site.run_for(10ms);
  }
  CHECK(site.changed.size() == 3);
  CHECK(std::chrono::steady_clock::now() - began >= 400ms);  // the third after one of the others
}

TEST_CASE("an overloaded server is asked again in silence, another refusal is told") {
  Reading site;
  site.api.inject({.kind = api::FaultKind::answer, .status = 429, .verb = "get"});
  site.store.nodes_listed({site.metadata("worker", false)});
  site.reader->look();
  const auto began = std::chrono::steady_clock::now();
  while (site.changed.empty() && std::chrono::steady_clock::now() - began < 20s) {
    site.run_for(10ms);
    CHECK(site.trouble.empty());
  }
  CHECK(site.changed.size() == 1);
  CHECK(site.api.requests().size() == 2);
}

TEST_CASE("a Node that is gone when it is read counts as read") {
  Reading site;
  const auto metadata = site.metadata("worker", false);
  site.api.remove(api::node_key("worker"));
  site.store.secret_listed({});
  site.store.nodes_listed({metadata});
  CHECK_FALSE(site.store.snapshot());
  site.reader->look();
  site.run_for(1000ms);
  CHECK(site.store.snapshot());
  CHECK(site.trouble.empty());
}

}  // namespace this_file
