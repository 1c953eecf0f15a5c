// The commands besides `status`: with an agent, with another version's agent, and without one.
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

namespace {

size_t count(const std::string& text, const std::string& words) {
  size_t found = 0;
  for (size_t at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++found;
  return found;
}

struct Bpf {
  NodeAgent& agent;
  Result text(const std::string& command) const {
    return agent.ctl("bpf " + command + " --bpf-root " + agent.bpf_root());
  }
  Json json(const std::string& command) const {
    const Result result = text(command + " -o json");
    CAPTURE(command, result.output);
    REQUIRE(result.ok());
    return Json::parse(result.output);
  }
  Json peer(const std::string& cidr) const {
    for (const auto& each : json("peer list")) {
      if (each["cidr"] == cidr) return each;
    }
    return nullptr;
  }
};

}  // namespace

TEST_CASE("pellicle bpf tells what the programs go by, with an agent and without one") {
  Lab lab({.key_line = api::kSeedKeyLine});
  const auto secret = api::secret_key("kube-system", "cilium-ipsec-keys");
  lab.api().remove(secret);
  auto& agent = lab.agent("worker");
  const Bpf bpf{agent};
  const Result before = bpf.text("peer list");
  CHECK(before.status == 3);
  CHECK_THAT(before.output, Contains("no eBPF map pellicle_config is pinned under " +
                                     agent.bpf_root() + ": no agent has programmed this node"));
  CHECK(bpf.text("maps").status == 3);

  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  CHECK(bpf.peer("10.0.0.0/24")["action"] == "drop");
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  const Result drops = bpf.text("drops");
  CHECK_THAT(drops.output, Contains("no_key  1        98\n"));
  CHECK(count(drops.output, "\n") == 2);
  CHECK(count(bpf.text("drops --all").output, "\n") > 5);
  lab.set_key(api::kSeedKeyLine);
  REQUIRE(wait_until([&] { return bpf.peer("10.0.0.0/24")["action"] == "encrypt"; }));

  agent.stop();
  CHECK(bpf.peer("10.0.0.0/24") ==
        Json({{"cidr", "10.0.0.0/24"}, {"kind", "pods"}, {"action", "encrypt"}, {"key", 3}}));
  const auto endpoints = bpf.json("endpoint list");
  REQUIRE(endpoints.size() == 1);
  CHECK(endpoints[0]["address"] == "10.0.1.52");
  CHECK(endpoints[0]["device"].get<std::string>().starts_with("lxc"));
  const auto config = bpf.json("config");
  CHECK(config["ipv4"]["podCIDR"] == "10.0.1.0/24");
  CHECK(config["ipv6"].is_null());
  CHECK(config["uplink"] == "eth0");
  const auto maps = bpf.json("maps");
  REQUIRE(maps.size() == 16);
  for (const auto& map : maps) {
    CAPTURE(map.dump());
    CHECK((map["bytes"] > 0 || map["entries"] == 0));  // 6.12 counts a trie's entries alone
    if (map["name"] == "pellicle_peers") CHECK(map["entries"] == bpf.json("peer list").size());
    if (map["name"] == "pellicle_eps") CHECK(map["entries"] == 1);
  }
  CHECK(agent.cleanup().ok());
  CHECK(bpf.text("config").status == 3);
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a map of another version is named, and not read as if it were ours") {
  Lab lab({.nodes = {seed_nodes().front()}, .key_line = api::kSeedKeyLine});
  auto& agent = lab.agent("worker");
  must("mkdir -p " + agent.bpf_root() + " && bpftool map create " + agent.bpf_root() +
       "/pellicle_config type array key 4 value 8 entries 1 name pellicle_config");
  const Result result = Bpf{agent}.text("config");
  CHECK(result.status == 3);
  CHECK_THAT(result.output, Contains("/pellicle_config is of another version of Pellicle (type 2, "
                                     "key 4, value 8, entries 1, flags 0); ask with the command"));
}

TEST_CASE("the log's level is changed while the agent runs, and is the setting's again after") {
  Lab lab({.nodes = {seed_nodes().front()}, .key_line = api::kSeedKeyLine});
  auto& agent = lab.agent("worker");
  const std::string often = "resync-seconds = 1\n";
  agent.start(often);
  REQUIRE(agent.wait_ready());
  const auto debug_lines = [&] { return count(agent.log(), "\"level\":\"debug\""); };
  CHECK(agent.ctl("log-level").output == "debug\n");  // as the lab sets it
  CHECK(debug_lines() > 0);
  CHECK(agent.ctl("log-level error").output == "error (was debug)\n");
  const auto before = debug_lines();
  const auto passes = agent.ask("status")["passes"].get<uint64_t>();
  CHECK(wait_until([&] { return agent.ask("status")["passes"].get<uint64_t>() > passes + 1; }));
  CHECK(debug_lines() == before);
  CHECK(agent.ctl("log-level error").output == "error\n");
  CHECK(Json::parse(agent.ctl("log-level debug -o json").output) ==
        Json({{"before", "error"}, {"level", "debug"}}));
  CHECK(wait_until([&] { return debug_lines() > before; }));
  CHECK(count(agent.log(), "\"msg\":\"log level changed\",\"from\":\"debug\",\"to\":\"error\"") ==
        1);
  CHECK(count(agent.log(), "\"msg\":\"log level changed\",\"from\":\"error\",\"to\":\"debug\"") ==
        1);
  CHECK(count(agent.log(), "log level changed") == 2);

  CHECK(agent.ctl("log-level loud").status == 2);
  CHECK_THROWS_WITH(agent.ask("log-level", {{"level", 5}}),
                    Contains("expected debug, info, warn or error, found 5"));
  CHECK(agent.ctl("log-level warn").output == "warn (was debug)\n");
  agent.stop();
  agent.start(often);
  REQUIRE(agent.wait_ready());
  CHECK(agent.ctl("log-level").output == "debug\n");
}

TEST_CASE("pellicle version tells both versions, and of an agent that is not there") {
  Lab lab({.nodes = {seed_nodes().front()}, .key_line = api::kSeedKeyLine});
  auto& agent = lab.agent("worker");
  const Result alone = agent.ctl("version");
  CHECK(alone.ok());
  CHECK_THAT(alone.output, Contains("Client: ") && Contains("Agent:  no agent answers on "));
  CHECK(Json::parse(agent.ctl("version -o json").output)["agent"].is_null());
  agent.start();
  REQUIRE(agent.wait_ready());
  const auto both = Json::parse(agent.ctl("version -o json").output);
  CHECK(both["agent"] == both["client"]);
  CHECK(both["differ"] == false);
}

}  // namespace this_file
