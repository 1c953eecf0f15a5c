// A path with a smaller MTU than the nodes' own links: a router reports it with errors about ESP
// packets.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/datapath/ping_words.h"
#include "tests/datapath/router.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kPodIpv4 = "10.0.0.249";
constexpr const char* kPodIpv6 = "fd00:10::f9";

// Two nodes with a router between them, whose link has an MTU of 1300 in each direction.
struct Narrow {
  Lab lab;

  explicit Narrow(const std::string& key_line = pair_key_line())
      : lab([&] {
          auto options = two_nodes();
          options.key_line = key_line;
          return options;
        }()) {
    move_to_another_subnet(lab, "mtu 1300");
    lab.start_agents();
    add_pods(lab);
    must("head -c 65536 /dev/urandom > /run/lab/www/cni-fcnh6/body");
  }

  void check_body_arrives() {
    const auto sum = must("sha256sum < /run/lab/www/cni-fcnh6/body");
    for (const char* pod : {kPodIpv4, kPodIpv6}) {
      CAPTURE(pod);
      CHECK(sh_in("net",
                  "curl --silent --globoff --max-time 30 " + http_url(pod) + "body | sha256sum")
                .output == sum);
    }
  }

  // The MTU of worker2's route to worker's pods, from which the kernel computes the pods' limit.
  bool has_route(const std::string& mtu) {
    const auto route = must_in("worker2", "ip route show table 200 10.0.1.0/24 dev cilium_host");
    return route.find("mtu " + mtu + " ") != std::string::npos;
  }
};

// Sets the MTU of the router's links back to 1500.
void widen() {
  must(
      "ip route change 10.0.1.0/24 via 172.18.0.3 dev kind onlink; "
      "ip route change 10.0.0.0/24 via 172.19.0.4 dev kind onlink");
}

void check_closed(Lab& lab) {
  for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
  CHECK(lab.cleartext().empty());
}

// Makes the entries slightly more than ten minutes old.
void age_paths(const std::string& state_dir) {
  const std::string path = state_dir + "/paths.json";
  auto json = nlohmann::json::parse(std::ifstream(path));
  for (auto& each : json["paths"]) each["since"] = each["since"].get<int64_t>() - 601'000'000'000;
  std::ofstream(path) << json.dump();
}

// These errors quote a pod's packet.
void check_own_errors() {
  INFO("a node's own ICMP error about what it decrypted is ESP: it comes from cilium_host");
  CHECK_THAT(sh_in("net", "ping -c 1 -W 2 -t 2 10.0.0.249").output,
             Contains("Time to live exceeded") && Contains("From 10.0.0.40"));
  CHECK_THAT(sh_in("net", "ping -c 1 -W 2 -t 2 fd00:10::f9").output,
             Contains("Hop limit") && Contains("From fd00:10::28"));
}

void check_narrow_link(const std::string& key_line) {
  Narrow cluster(key_line);
  Lab& lab = cluster.lab;
  check_own_errors();

  INFO("a path that narrows while no agent runs is known when it starts");
  lab.agent("worker2").stop();
  sh_in("cni-fcnh6", "ping -c 1 -W 1 -M do -s 1398 10.0.1.52");
  lab.start_agent("worker2");
  CHECK(wait_until([&] { return cluster.has_route("1300"); }));

  INFO("a body arrives by both families, IPv6's larger packets in fragments");
  cluster.check_body_arrives();
  CHECK(cluster.has_route("1300"));

  INFO("it is said, with its source and since when");
  const auto says = lab.agent("worker2").says();
  CHECK_THAT(says, Contains("path MTU 1300 since 20"));
  CHECK_THAT(says, Contains("said by 172.19.0.1"));
  CHECK(lab.agent("worker2").ctl("status").ok());
  CHECK_THAT(lab.agent("worker2")
                 .ctl("trace 10.0.0.249 10.0.1.52 --state-dir " + lab.agent("worker2").state_dir() +
                      " --bpf-root " + lab.agent("worker2").bpf_root())
                 .output,
             Contains("path MTU 1300 to 10.0.1.138, said by 172.19.0.1"));

  INFO("pods are told, and what fits goes in one piece");
  const auto told = sh_in("cni-fcnh6", "ping -c 1 -W 2 -M do -s 1398 10.0.1.52");
  CAPTURE(told.output);
  CHECK((told.output.find("mtu = 1246") != told.output.npos ||
         is_refused_for_its_size(told.output, 1246)));
  CHECK(sh_in("cni-fcnh6", "ping -c 1 -W 2 -M do -s 1218 10.0.1.52").ok());
  CHECK(sh_in("cni-fcnh6", "ping -c 1 -W 2 -M do -s 1232 fd00:10:1::34").ok());  // IPv6's 1280

  INFO("an agent that is killed knows it when it starts again");
  lab.agent("worker2").kill();
  lab.start_agent("worker2");
  CHECK(lab.agent("worker2").ask("diff")["operations"].empty());
  CHECK(cluster.has_route("1300"));

  INFO("after ten minutes the whole MTU is tried");
  widen();
  lab.agent("worker2").stop();
  age_paths(lab.agent("worker2").state_dir());
  lab.start_agent("worker2");
  CHECK(wait_until([&] { return cluster.has_route("1500"); }));
  must_in("cni-fcnh6", "ip route flush cache");
  const auto whole = [] {  // once the other direction is learnt as narrow, too
    return sh_in("cni-fcnh6", "ping -c 1 -W 2 -M do -s 1398 10.0.1.52").ok();
  };
  CHECK(wait_until(whole));
  CHECK(cluster.has_route("1500"));
  check_closed(lab);

  INFO("cleanup removes what the agent remembers of paths, and its directory with it");
  const std::filesystem::path state_dir = lab.agent("worker2").state_dir();
  lab.agent("worker2").stop();
  CHECK(std::filesystem::exists(state_dir / "paths.json"));
  CHECK(lab.agent("worker2").cleanup().ok());
  CHECK_FALSE(std::filesystem::exists(state_dir));
}

}  // namespace

TEST_CASE("path MTU: a narrow link is learnt, said, kept and tried again, a key for each pair") {
  check_narrow_link(pair_key_line());
}

TEST_CASE("path MTU: a narrow link is learnt, said, kept and tried again, one key for all") {
  check_narrow_link(api::kSeedKeyLine);
}

}  // namespace this_file
