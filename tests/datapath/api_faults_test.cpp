// A faulty API server: the datapath loses no packet, `status` quotes the server, and the agents
// catch up with missed changes.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using namespace std::chrono_literals;
using api::FaultKind;
using Json = nlohmann::ordered_json;

namespace {

const std::string kSecretTitle = "secret kube-system/cilium-ipsec-keys";

// The seed's cluster with pods that ping all the time.
struct Cluster {
  Lab lab{{.key_line = api::kSeedKeyLine}};  // newcomers have no agent to announce a boot id
  std::vector<std::unique_ptr<PingStream>> pings;
  int newcomers = 0;

  Cluster() {
    // A watch that delivers something works, and resets the backoff.
    lab.api().set_bookmark_interval(500ms);
  }

  void start() {
    lab.start_agents();
    lab.add_pod("worker", "net", "10.0.1.52");
    lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
    lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
    pings.push_back(std::make_unique<PingStream>("net", "10.0.0.249"));
    pings.push_back(std::make_unique<PingStream>("cni-cp", "10.0.1.52"));
  }

  const NodeAgent& worker() { return lab.agent("worker"); }

  Json source(const std::string& title) {
    const Json status = worker().ask("status");
    for (const auto& each : status["kubernetes"]["sources"]) {
      if (each["name"] == title) return each;
    }
    return Json::object();
  }

  // Ends every open watch; an agent that watches again meets the injected faults.
  void end_watches(const std::string& resource = "") {
    lab.api().disturb_watches(FaultKind::end, resource);
  }

  // `status` reports this source's trouble in these words, and since when.
  void check_said(const std::string& title, const std::string& words, Seconds limit = 20s) {
    Json found;
    const bool said = wait_until(
        [&] {
          found = source(title);
          return found.value("message", "").find(words) != std::string::npos;
        },
        limit);
    CAPTURE(title, words, found.dump());
    CHECK(said);
    CHECK(found["healthy"] == false);
    const std::string text = worker().says();
    CAPTURE(text);
    CHECK(text.find("Kubernetes: Degraded https://172.18.0.1:6443") != std::string::npos);
    CHECK(text.find(found["message"].get<std::string>() + " (since " +
                    found["since"].get<std::string>() + "; the last known state keeps running)") !=
          std::string::npos);
    CHECK(worker().ask("status")["ready"] == true);
  }

  // Creates a Node that is new to the agents. Returns the route to its pods.
  std::string newcomer() {
    const int number = ++newcomers;
    const std::string name = "newcomer" + std::to_string(number);
    const std::string address = "172.18.1." + std::to_string(number);
    const std::string network = "10.0." + std::to_string(100 + number) + ".";
    lab.api().create(api::node_object({.name = name.c_str(),
                                       .internal_ip = address.c_str(),
                                       .pod_cidr = (network + "0/24").c_str(),
                                       .cilium_host = (network + "1").c_str(),
                                       .boot_id = "44444444-4444-4444-4444-444444444444"}));
    return network + "0/24 via " + address + " dev eth0";
  }

  void check_caught_up(const std::string& route, Seconds limit = 30s) {
    CAPTURE(route);
    CHECK(wait_until([&] { return worker().ctl("status").ok(); }, limit));
    CHECK(wait_until(
        [&] { return kernel_picture("worker").main_routes.find(route) != std::string::npos; }));
  }

  void check_end() {
    for (const auto& ping : pings) CHECK(ping->end() == "");
    CHECK(lab.cleartext().empty());
    CHECK(lab.files_with_the_key().empty());
  }
};

}  // namespace

TEST_CASE("an API that refuses is quoted, and what changed meanwhile is caught up with") {
  struct Row {
    api::Fault fault;
    std::string words;
    Seconds said_within = 20s;
  };
  const std::vector<Row> rows = {
      {{.kind = FaultKind::answer, .status = 403},
       "403 Forbidden: nodes is forbidden: User \"system:serviceaccount:kube-system:pellicle\" "
       "cannot watch resource \"nodes\" in API group \"\" at the cluster scope"},
      {{.kind = FaultKind::answer, .status = 429, .retry_after = 2s},
       "429 Too Many Requests: Too many requests, please try again later.",
       120s},  // after a minute
      {{.kind = FaultKind::answer, .status = 500},
       "500 Internal Server Error: Internal error occurred: a fault on demand"},
  };
  Cluster cluster;
  cluster.start();
  for (const auto& [fault, words, said_within] : rows) {
    cluster.lab.api().inject([&] {
      api::Fault until_cleared = fault;
      until_cleared.times = api::kUntilCleared;
      return until_cleared;
    }());
    cluster.end_watches();
    cluster.check_said("nodes", words, said_within);
    const std::string route = cluster.newcomer();
    CHECK(kernel_picture("worker").main_routes.find(route) == std::string::npos);
    cluster.lab.api().clear_faults();
    cluster.check_caught_up(route);
  }
  cluster.check_end();
}

TEST_CASE("a token that was revoked is replaced by the next one in its file") {
  Cluster cluster;
  const std::string directory = "/run/lab/worker/";
  std::string config = file_text(directory + "kubeconfig");
  const std::string inlined = "token: token-of-worker";
  REQUIRE(config.find(inlined) != std::string::npos);
  config.replace(config.find(inlined), inlined.size(), "tokenFile: " + directory + "token");
  write_file(directory + "kubeconfig", config);
  write_file(directory + "token", "token-of-worker\n");
  cluster.start();

  cluster.lab.api().revoke_token("token-of-worker");
  cluster.end_watches();
  for (const std::string& title : {std::string("nodes"), kSecretTitle}) {
    cluster.check_said(title, "401 Unauthorized");
  }
  const std::string route = cluster.newcomer();
  cluster.lab.api().allow_token("the-next-token", "system:serviceaccount:kube-system:pellicle");
  write_file(directory + "token", "the-next-token\n");
  cluster.check_caught_up(route);
  CHECK(cluster.worker().log().find("token-of-worker") == std::string::npos);
  CHECK(cluster.worker().log().find("the-next-token") == std::string::npos);
  cluster.check_end();
}

TEST_CASE("garbage and silence are said, and change nothing") {
  Cluster cluster;
  cluster.start();
  ApiFixture& api = cluster.lab.api();
  api.inject({.kind = FaultKind::stall, .resource = "secrets", .times = api::kUntilCleared});
  api.inject({.kind = FaultKind::garbage, .resource = "nodes", .times = api::kUntilCleared});
  cluster.end_watches();
  cluster.check_said("nodes", "the answer to the list request is not a list of Kubernetes objects");
  // The agent's limit for a silent server.
  cluster.check_said(kSecretTitle, "nothing was heard for 30.0 s", 45s);
  const std::string route = cluster.newcomer();
  api.clear_faults();
  cluster.check_caught_up(route);
  cluster.check_end();
}

TEST_CASE("half an answer and half a frame are said, and change nothing") {
  Cluster cluster;
  cluster.start();
  ApiFixture& api = cluster.lab.api();
  api.inject({.kind = FaultKind::truncate, .resource = "nodes", .times = api::kUntilCleared});
  api.inject({.kind = FaultKind::reset, .resource = "secrets", .times = api::kUntilCleared});
  api.disturb_watches(FaultKind::truncate, "nodes");
  cluster.end_watches("secrets");
  const std::string route = cluster.newcomer();
  cluster.check_said("nodes", "the connection was lost in the middle of the answer");
  cluster.check_said(kSecretTitle, "the connection was closed before an answer came");
  api.clear_faults();
  cluster.check_caught_up(route);
  cluster.check_end();
}

TEST_CASE("an API that goes away and comes back without its history is caught up with") {
  Cluster cluster;
  cluster.start();
  ApiFixture& api = cluster.lab.api();
  for (const bool gone_as_frame : {false, true}) {
    CAPTURE(gone_as_frame);
    api.set_gone_as_frame(gone_as_frame);
    api.go_away();
    for (const std::string& title : {std::string("nodes"), kSecretTitle}) {
      cluster.check_said(title, "https://172.18.0.1:6443: cannot connect");
    }
    const std::string route = cluster.newcomer();
    api.forget_history();
    api.come_back();
    cluster.check_caught_up(route);
  }
  // The same in the middle of a working watch: nothing is reported and nothing is missed.
  const std::string route = cluster.newcomer();
  CHECK(api.disturb_watches(FaultKind::expire) > 0);
  cluster.check_caught_up(route);
  cluster.check_end();
}

}  // namespace this_file
