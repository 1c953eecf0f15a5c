// The Events that `kubectl describe node` shows when an agent is in trouble.
#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

NodeSpec small_node() {
  return {.name = "small",
          .address = *IpAddress::parse("172.18.0.9"),
          .pod_cidr = *Cidr::parse("10.0.9.0/29"),
          .router = *IpAddress::parse("10.0.9.6")};
}

std::vector<api::Json> events(Lab& lab, const std::string& node, const std::string& reason) {
  std::vector<api::Json> found;
  for (const auto& event : lab.api().list("events")) {
    if (event["involvedObject"]["name"] == node && event["reason"] == reason) {
      found.push_back(event);
    }
  }
  return found;
}

uint64_t passes(Lab& lab, const std::string& node) {
  return lab.agent(node).ask("status")["passes"].get<uint64_t>();
}

// Waits for several more passes, after which every Event is sent.
bool passes_go_on(Lab& lab, const std::string& node) {
  const auto before = passes(lab, node);
  return wait_until([&] { return passes(lab, node) >= before + 4; });
}

}  // namespace

TEST_CASE("a Secret that cannot be used is one Event on the Node, without a byte of the key") {
  Lab lab({.nodes = {seed_nodes().front()},
           .key_line = api::kSeedKeyLine,
           .agent_config = "resync-seconds = 1\n"});
  lab.start_agents();
  CHECK(passes_go_on(lab, "worker"));
  CHECK(lab.api().list("events").empty());

  const std::string other = "ffeeddccbbaa99887766554433221100aabbccdd";
  lab.set_key("4 rfc4106(gcm(aes)) " + other + " 256");
  REQUIRE(wait_until([&] { return !events(lab, "worker", "KeyRefused").empty(); }));
  CHECK(passes_go_on(lab, "worker"));
  REQUIRE(events(lab, "worker", "KeyRefused").size() == 1);
  const auto event = events(lab, "worker", "KeyRefused").front();
  CAPTURE(event.dump(2));
  CHECK(event["type"] == "Warning");
  CHECK(event["metadata"]["namespace"] == "default");
  CHECK(event["involvedObject"]["kind"] == "Node");
  CHECK(event["source"]["component"] == "pellicle-agent");
  const auto message = event["message"].get<std::string>();
  CHECK_THAT(message,
             Contains("Secret kube-system/cilium-ipsec-keys data.keys: word 4: expected an "
                      "ICV length of 96 or 128 bits; the last good key stays in use"));
  CHECK_THAT(message, Contains("Remedy: correct the Secret, or run `pellicle key rotate`"));
  CHECK(lab.api().list("events").size() == 1);
  CHECK(event.dump().find("99887766") == std::string::npos);

  lab.set_key(api::kSeedKeyLine);
  REQUIRE(wait_until([&] { return !events(lab, "worker", "Solved").empty(); }));
  CHECK(events(lab, "worker", "Solved").front()["type"] == "Normal");
  CHECK(passes_go_on(lab, "worker"));
  CHECK(lab.api().list("events").size() == 2);
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("an API that never answers to an Event holds nothing up") {
  Lab lab({.nodes = {seed_nodes().front()}, .key_line = api::kSeedKeyLine});
  lab.api().inject({.kind = api::FaultKind::stall, .verb = "create", .times = api::kUntilCleared});
  lab.api().remove(api::secret_key("kube-system", "cilium-ipsec-keys"));
  auto& agent = lab.agent("worker");
  agent.start("resync-seconds = 1\n");
  REQUIRE(wait_until([&] { return agent.says().find("not found; ") != std::string::npos; }));
  CHECK(passes_go_on(lab, "worker"));
  lab.set_key(api::kSeedKeyLine);
  CHECK(agent.wait_ready());
  CHECK(agent.ctl("status").ok());
  CHECK(lab.api().list("events").empty());
  lab.api().clear_faults();
  CHECK(lab.api().wait_for_request([](const auto& request) { return request.verb == "create"; },
                                   10s));
}

TEST_CASE("a PodCIDR that is used up is one Event, and its end another") {
  Lab lab({.nodes = {small_node()}, .agent_config = "resync-seconds = 1\n"});
  lab.start_agents();
  auto& agent = lab.agent("small");
  REQUIRE(wait_until([&] { return agent.ask("status")["cni"]["installed"] == true; }));
  CniRuntime runtime("small", agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir()));
  CniPod last;
  for (int i = 0; i < 4; ++i) {  // two of six belong to cilium_host and the health endpoint
    const std::string pod = "pod" + std::to_string(i);
    last = {.id = pod + "-0123456789abcdef", .netns = make_netns(pod)};
    CHECK(events(lab, "small", "PodCIDRExhausted").empty());
    REQUIRE(runtime.add(last).ok());
  }
  REQUIRE(wait_until([&] { return !events(lab, "small", "PodCIDRExhausted").empty(); }));
  CHECK(passes_go_on(lab, "small"));
  REQUIRE(events(lab, "small", "PodCIDRExhausted").size() == 1);
  CHECK_THAT(events(lab, "small", "PodCIDRExhausted").front()["message"].get<std::string>(),
             Contains("PodCIDR 10.0.9.0/29: all 6 addresses are given out"));
  REQUIRE(runtime.remove(last).ok());
  CHECK(wait_until([&] { return !events(lab, "small", "Solved").empty(); }));
  CHECK(lab.api().list("events").size() == 2);
}

}  // namespace this_file
