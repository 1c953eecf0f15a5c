// Three agents under traffic, and what shows that a restart changed nothing.
#pragma once

#include <list>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"
#include "tools/ctl/agent_socket.h"

namespace pellicle::lab::restarts {

inline const std::vector<std::string> kNodes{"worker", "worker2", "control-plane"};

// Three agents, a pod on each node, and pings between all of them. Each ping is answered, so every
// tunnel carries packets in both directions.
struct Cluster {
  Lab lab;
  std::list<PingStream> streams;

  Cluster() {
    lab.start_agents();
    lab.add_pod("worker", "net", "10.0.1.52");
    lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
    lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
    for (const auto& [from, to] :
         {std::pair{"net", "10.0.0.249"}, {"cni-fcnh6", "10.0.2.77"}, {"cni-cp", "10.0.1.52"}}) {
      REQUIRE(lab.ping(from, to).ok());
      streams.emplace_back(from, to);
    }
  }

  void check_pings_go_on(const std::string& meanwhile) {
    CAPTURE(meanwhile);
    for (PingStream& stream : streams) CHECK(stream.goes_on());
  }

  // No packet was lost, none was in the clear, and no tunnel's counter started again.
  void check_all_arrived() {
    for (PingStream& stream : streams) CHECK(stream.end() == "");
    CHECK(esp_numbers_astray(lab.network().wire()) == std::vector<std::string>{});
    CHECK(esp_numbers(lab.network().wire()).size() == 6);
    CHECK(lab.cleartext().empty());
    CHECK(lab.files_with_the_key().empty());
  }
};

// The time at which each XFRM state was added, by the state's first lines.
inline std::map<std::string, std::string> births_of_states(const std::string& node) {
  static const std::regex born(R"(\tlifetime current:[^\n]*\n[^\n]*\n\s+add (\S+ \S+))");
  std::map<std::string, std::string> births;
  std::istringstream blocks(redacted(must_in(node, "ip -s xfrm state")));
  std::string block, line;
  const auto note = [&] {
    if (block.empty()) return;
    std::smatch match;
    REQUIRE(std::regex_search(block, match, born));
    births[block.substr(0, block.find("\n\treplay"))] = match[1];
    block.clear();
  };
  while (std::getline(blocks, line)) {
    if (line.starts_with("src ")) note();
    block += line + "\n";
  }
  note();
  return births;
}

inline std::map<std::string, std::map<std::string, std::string>> births_everywhere() {
  std::map<std::string, std::map<std::string, std::string>> births;
  for (const std::string& node : kNodes) births[node] = births_of_states(node);
  return births;
}

// A pass follows a change at once, and leaves an empty difference.
inline bool nothing_to_do(Lab& lab, const std::string& node) {
  return wait_until([&] {
    try {
      return lab.agent(node).ask("diff")["operations"].empty();
    } catch (const ctl::Refused&) {  // nothing was listed yet
      return false;
    }
  });
}

inline bool has_peer(Lab& lab, const std::string& node, const std::string& peer) {
  const auto status = lab.agent(node).ask("status");
  for (const auto& known : status["peers"]) {
    if (known["name"] == peer) return true;
  }
  return false;
}

}  // namespace pellicle::lab::restarts
