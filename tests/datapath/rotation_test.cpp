// A new key for all nodes under traffic: no packet is lost, and none is in the clear.
#include <algorithm>
#include <cstdio>
#include <list>
#include <random>
#include <regex>
#include <sstream>

#include "tests/datapath/tcp_talk.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"
#include "tests/harness/length.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Json = nlohmann::ordered_json;

namespace {

const std::vector<std::string> kNodes{"worker", "worker2", "control-plane"};
const std::vector<std::pair<std::string, std::string>> kPods{
    {"net", "10.0.1.52"}, {"cni-fcnh6", "10.0.0.249"}, {"cni-cp", "10.0.2.77"}};
constexpr uint16_t kPort = 7000;

std::string key_line(int id, int number, bool per_pair = true) {
  char bytes[41];
  std::snprintf(bytes, sizeof bytes, "%08x%032x", 0xabcd0000U + static_cast<unsigned>(number),
                static_cast<unsigned>(number * 7919 + 1));
  return std::to_string(id) + (per_pair ? "+" : "") + " rfc4106(gcm(aes)) " + bytes + " 128";
}

std::map<std::string, std::string> xfrm_counters() {
  std::map<std::string, std::string> counters;
  for (const std::string& node : kNodes) counters[node] = must_in(node, "cat /proc/net/xfrm_stat");
  return counters;
}

// Three agents with a short rotation, a pod on each node, pings and a connection between each two.
// Everything is answered, so every tunnel carries packets in both directions.
struct Cluster {
  Lab lab;
  std::list<PingStream> pings;
  std::list<EchoServer> servers;
  std::list<TcpTalk> talks;

  explicit Cluster(const std::string& first_key)
      : lab({.key_line = first_key, .agent_config = "key-rotation-duration = 4\n"}) {
    lab.start_agents();
    for (size_t i = 0; i < kPods.size(); ++i) {
      lab.add_pod(kNodes[i], kPods[i].first, kPods[i].second);
      servers.emplace_back(kPods[i].first, kPort);
    }
    for (size_t i = 0; i < kPods.size(); ++i) {
      const auto& from = kPods[i].first;
      const auto& address = kPods[(i + 1) % kPods.size()].second;
      REQUIRE(lab.ping(from, address).ok());
      pings.emplace_back(from, address, 0.005);
      talks.emplace_back(from, address, kPort);
    }
  }

  void check_all_goes_on(const std::string& meanwhile) {
    CAPTURE(meanwhile);
    for (const TcpTalk& talk : talks) {
      CAPTURE(talk.name());
      CHECK(talk.goes_on(5));
    }
    for (PingStream& ping : pings) CHECK(ping.goes_on(5));
  }

  // Only before a key id is used again: an SPI identifies the key id, not the key.
  void check_no_number_twice() {
    CHECK(esp_numbers_astray(lab.network().wire()) == std::vector<std::string>{});
  }

  void check_nothing_was_lost() {
    for (PingStream& ping : pings) CHECK(ping.end() == "");
    for (const TcpTalk& talk : talks) {
      CAPTURE(talk.name());
      CHECK(talk.goes_on(3));
    }
    CHECK(lab.cleartext().empty());
    CHECK(lab.files_with_the_key().empty());
  }
};

Json status_of(Lab& lab, const std::string& node) {
  try {
    return lab.agent(node).ask("status");
  } catch (const ctl::Unreachable&) {
    return Json::object();
  }
}

// Does the node send with this key to every peer?
bool sends_with(Lab& lab, const std::string& node, int id) {
  const Json status = status_of(lab, node);
  if (!status.contains("peers") || status["peers"].size() != kNodes.size() - 1) return false;
  for (const auto& peer : status["peers"]) {
    if (peer["key"] != id) return false;
  }
  return true;
}

bool holds_only(Lab& lab, const std::string& node, int id) {
  const Json status = status_of(lab, node);
  return status.contains("encryption") && status["encryption"]["keys"] == Json::array({id}) &&
         status["encryption"]["rotating"] == false;
}

void wait_for_key(Lab& lab, int id) {
  for (const std::string& node : kNodes) {
    CAPTURE(node, id, status_of(lab, node).dump());
    CHECK(wait_until([&] { return sends_with(lab, node, id); }, 60s));
  }
}

void wait_for_one_key(Lab& lab, int id) {
  for (const std::string& node : kNodes) {
    CAPTURE(node, id);
    CHECK(wait_until([&] { return holds_only(lab, node, id); }, 60s));
    CHECK(lab.agent(node).ctl("status").ok());
  }
}

// The marks by which the kernel finds the node's states: receiving states have one, sending states
// with a pair's key have none.
std::set<std::string> marks(const std::string& node) {
  static const std::regex kMark(R"((^|[^-])mark (0x[0-9a-f]+/0x[0-9a-f]+))");
  const std::string text = must_in(node, "ip xfrm state list nokeys");
  std::set<std::string> found;
  for (std::sregex_iterator mark(text.begin(), text.end(), kMark), end; mark != end; ++mark) {
    found.insert((*mark)[2]);
  }
  return found;
}

}  // namespace

// Seven rotations, or twenty: both wrap from 15 to 1, and include agent restarts and an API outage
// during a rotation.
TEST_CASE("rotations with agents restarted and the API away in between lose nothing") {
  const char* given = std::getenv("PELLICLE_SEED");
  const auto seed = given ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  std::printf("PELLICLE_SEED=%lu\n", seed);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int id = 12;
  Cluster cluster(key_line(id, 0));
  Lab& lab = cluster.lab;
  const auto counters = xfrm_counters();
  const int rotations = static_cast<int>(length(7, 20));
  for (int rotation = 1; rotation <= rotations; ++rotation) {
    id = id % 15 + 1;
    lab.set_key(key_line(id, rotation));
    if (rotation % 3 == 0) {
      const std::string& node = kNodes[random() % kNodes.size()];
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
      lab.agent(node).kill();
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
      lab.agent(node).start("key-rotation-duration = 4\n");
      CHECK(lab.agent(node).wait_ready(60s));
    }
    if (rotation % 7 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
      lab.api().go_away();
      cluster.check_all_goes_on("the API is away");
      lab.api().come_back();
    }
    wait_for_key(lab, id);
    if (rotation % 5 == 0) wait_for_one_key(lab, id);
    if (rotation == std::min(rotations, 14)) cluster.check_no_number_twice();  // one full cycle
  }
  wait_for_one_key(lab, id);
  cluster.check_all_goes_on("the rotations are over");
  CHECK(xfrm_counters() == counters);
  for (const std::string& node : kNodes) CHECK(marks(node).size() == 1);
  cluster.check_nothing_was_lost();
}

TEST_CASE("from one key for all nodes to keys per pair, and nothing is lost") {
  Cluster cluster(key_line(3, 0, /*per_pair=*/false));
  Lab& lab = cluster.lab;
  const auto counters = xfrm_counters();
  CHECK(lab.agent("worker").says().find("put a + after the key id") != std::string::npos);
  CHECK(lab.agent("worker").ctl("status").ok());
  lab.set_key(key_line(4, 1));
  wait_for_key(lab, 4);
  wait_for_one_key(lab, 4);
  CHECK(lab.agent("worker").says().find("one per pair of nodes") != std::string::npos);
  CHECK(xfrm_counters() == counters);
  cluster.check_no_number_twice();
  cluster.check_nothing_was_lost();
}

TEST_CASE("a node whose agent is away keeps the old key, is named, and catches up") {
  Cluster cluster(key_line(3, 0));
  Lab& lab = cluster.lab;
  const auto counters = xfrm_counters();
  lab.agent("worker2").kill();
  lab.set_key(key_line(4, 1));
  const std::string named = "Node worker2 metadata.annotations[network.cilium.io/encryption-key]";
  CHECK(
      wait_until([&] { return lab.agent("worker").says().find(named) != std::string::npos; }, 20s));
  const Json status = lab.agent("worker").ask("status");
  for (const auto& peer : status["peers"])
    CHECK(peer["key"] == (peer["name"] == "worker2" ? 3 : 4));
  CHECK(status["encryption"]["older"][0]["lacking"] == Json::array({"worker2"}));
  cluster.check_all_goes_on("worker2's agent is away");
  lab.start_agent("worker2");
  wait_for_key(lab, 4);
  wait_for_one_key(lab, 4);
  CHECK(xfrm_counters() == counters);
  cluster.check_no_number_twice();
  cluster.check_nothing_was_lost();
}

}  // namespace this_file
