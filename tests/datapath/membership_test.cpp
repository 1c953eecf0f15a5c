// Nodes join, change and leave: the kernel ends with what a cluster of the remaining nodes would
// have.
#include <algorithm>
#include <random>
#include <sstream>

#include "tests/datapath/internal_ips.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/netfilter_tables.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

const std::vector<std::string> kNodes{"worker", "worker2", "control-plane"};
const std::vector<std::string> kAddresses{"10.0.1.52", "10.0.0.249", "10.0.2.77"};
const api::ObjectKey kFourth = api::node_key("worker3");

IpAddress address(const char* text) {
  return IpAddress::parse(text).value();
}

Cidr cidr(const char* text) {
  return Cidr::parse(text).value();
}

// What `ip` shows of a node, and its eBPF maps.
struct Picture {
  std::string text;
  bool operator==(const Picture&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Picture& picture) {
  return out << picture.text;
}

// Hash map entries come in any order, so they are sorted.
std::string map_entries(const std::string& node, const std::string& map) {
  return must("bpftool map dump pinned /sys/fs/bpf/" + node + "/" + map +
              " > /run/lab/entries && tr -d '[]\\n' < /run/lab/entries | " +
              "sed 's/},{/}\\n{/g' | sort");
}

// Without the states by which a node sent to a peer that left. They stay until their key or epoch
// ends, and no policy leads to them: see agent/keys/README.md.
std::string without_absent_peers(const std::string& states) {
  const std::vector<std::string> routers{" dst 10.0.1.138", " dst 10.0.0.40", " dst 10.0.2.52"};
  std::istringstream lines(states);
  std::string kept;
  bool keeps = true;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("src ")) {
      keeps = std::any_of(routers.begin(), routers.end(), [&](const std::string& router) {
        return line.find(router) != std::string::npos;
      });
    }
    if (keeps) kept += line + "\n";
  }
  return kept;
}

std::string tables(const std::string& node) {
  if (lacks_netfilter_tables()) return "";
  return must_in(node,
                 "for table in raw mangle filter nat; do " + iptables() + " -t $table -S; done");
}

Picture picture(const std::string& node) {
  auto kernel = kernel_picture(node);
  kernel.states = without_absent_peers(kernel.states);
  return {kernel.text() + "# peers\n" + map_entries(node, "pellicle_peers") + "\n# endpoints\n" +
          map_entries(node, "pellicle_eps") + "\n# iptables\n" + tables(node)};
}

std::map<std::string, Picture> pictures() {
  std::map<std::string, Picture> all;
  for (const std::string& node : kNodes) all[node] = picture(node);
  return all;
}

void check_pictures(Lab& lab, const std::map<std::string, Picture>& before) {
  for (const auto& [node, expected] : before) {
    CAPTURE(node);
    static_cast<void>(wait_until([&] { return picture(node) == expected; }, 20s));
    CHECK(picture(node) == expected);
    CHECK(lab.agent(node).ctl("diff").ok());
    CHECK(lab.agent(node).ctl("status").ok());
  }
}

void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", kAddresses[0]);
  lab.add_pod("worker2", "cni-fcnh6", kAddresses[1]);
  lab.add_pod("control-plane", "cni-cp", kAddresses[2]);
}

// Uses the nodes' status only, which needs no other information.
bool all_know(Lab& lab, const char* pod_cidr, const char* internal_ip, const char* router) {
  return wait_until(
      [&] {
        return std::all_of(kNodes.begin(), kNodes.end(), [&](const std::string& node) {
          const auto status = lab.agent(node).ask("status");
          for (const auto& peer : status["peers"]) {
            if (peer["name"] == "worker3") {
              return peer["podCIDR"] == pod_cidr && peer["internalIP"] == internal_ip &&
                     peer["ciliumHost"] == router;
            }
          }
          return false;
        });
      },
      20s);
}

// Pings in both directions between the new pod and each other pod.
void check_all_reach(Lab& lab, const std::string& pod_address) {
  const std::vector<std::string> pods{"net", "cni-fcnh6", "cni-cp"};
  for (size_t i = 0; i < pods.size(); ++i) {
    CAPTURE(pods[i]);
    CHECK(lab.ping(pods[i], pod_address, 2).ok());
    CHECK(lab.ping("fourth", kAddresses[i], 2).ok());
  }
}

}  // namespace

TEST_CASE("a fourth node joins, changes every address it has, leaves, and leaves nothing behind") {
  Lab lab;
  lab.start_agents();
  add_pods(lab);
  const auto before = pictures();

  lab.add_node(fourth_node());
  lab.start_agent("worker3");
  lab.add_pod("worker3", "fourth", "10.0.3.99");
  CHECK(all_know(lab, "10.0.3.0/24", "172.18.0.5", "10.0.3.17"));
  check_all_reach(lab, "10.0.3.99");

  INFO("another cilium_host address");
  lab.expect_addresses({cidr("10.0.3.0/24"), address("10.0.3.200")});
  lab.agent("worker3").stop();
  CHECK(lab.agent("worker3").cleanup().ok());
  lab.api().patch(
      kFourth,
      {{"metadata", {{"annotations", {{"network.cilium.io/ipv4-cilium-host", "10.0.3.200"}}}}}});
  lab.start_agent("worker3");
  lab.delete_pod("fourth");
  lab.add_pod("worker3", "fourth", "10.0.3.99");
  CHECK(all_know(lab, "10.0.3.0/24", "172.18.0.5", "10.0.3.200"));
  check_all_reach(lab, "10.0.3.99");

  // Peers read the address where the node's agent publishes it, and the agent's API connections use
  // the old address. Without a restart it would notice within a minute (TCP keepalive), which is
  // too long here.
  INFO("another InternalIP");
  lab.network().change_address("worker3", address("172.18.0.77"));
  set_internal_ips(lab, "worker3", {"172.18.0.77"});
  lab.agent("worker3").stop();
  lab.start_agent("worker3");
  CHECK(all_know(lab, "10.0.3.0/24", "172.18.0.77", "10.0.3.200"));
  check_all_reach(lab, "10.0.3.99");

  INFO("another PodCIDR, while everything runs");
  lab.expect_addresses({cidr("10.0.4.0/24"), address("10.0.4.1")});
  lab.delete_pod("fourth");
  lab.api().patch(
      kFourth,
      {{"spec", {{"podCIDR", "10.0.4.0/24"}, {"podCIDRs", api::Json::array({"10.0.4.0/24"})}}}});
  CHECK(all_know(lab, "10.0.4.0/24", "172.18.0.77", "10.0.4.1"));
  lab.add_pod("worker3", "fourth", "10.0.4.99");
  check_all_reach(lab, "10.0.4.99");
  CHECK(lab.agent("worker3").ctl("diff").ok());

  INFO("it leaves while the agent of worker2 is down");
  lab.agent("worker2").stop();
  lab.remove_node("worker3");
  const auto left = must_in("worker2", "ip xfrm state");
  CHECK(left.find("10.0.4.1") != std::string::npos);
  lab.start_agent("worker2");
  check_pictures(lab, before);
  CHECK(lab.ping("net", kAddresses[1]).ok());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

namespace {

api::Json extra_node(size_t number, bool other_address) {
  const std::string name = "extra" + std::to_string(number);
  const std::string subnet = "10.1." + std::to_string(number) + ".";
  const std::string internal_ip = "172.18.1." + std::to_string(number);
  const std::string pod_cidr = subnet + "0/24";
  const std::string router = subnet + (other_address ? "7" : "8");
  return api::node_object({.name = name.c_str(),
                           .internal_ip = internal_ip.c_str(),
                           .pod_cidr = pod_cidr.c_str(),
                           .cilium_host = router.c_str(),
                           .boot_id = "44444444-4444-4444-4444-444444444444"});
}

// One random step: creates, removes or changes an extra Node.
void step(ApiFixture& api, std::mt19937_64& random) {
  const size_t number = 1 + random() % 4;
  const api::ObjectKey key = api::node_key("extra" + std::to_string(number));
  if (!api.get(key)) {
    api.create(extra_node(number, random() % 2 == 0));
  } else if (random() % 2 == 0) {
    api.remove(key);
  } else {
    api.update(extra_node(number, random() % 2 == 0));
  }
}

void remove_extras(ApiFixture& api) {
  for (size_t number = 1; number <= 4; ++number) {
    const api::ObjectKey key = api::node_key("extra" + std::to_string(number));
    if (api.get(key)) api.remove(key);
  }
}

// Does the node know exactly the extra Nodes that the API has?
bool knows_exactly(Lab& lab, const std::string& node) {
  std::map<std::string, std::string> wanted, known;
  for (size_t number = 1; number <= 4; ++number) {
    const std::string name = "extra" + std::to_string(number);
    if (const auto object = lab.api().get(api::node_key(name))) {
      wanted[name] = (*object)["metadata"]["annotations"]["network.cilium.io/ipv4-cilium-host"];
    }
  }
  const auto status = lab.agent(node).ask("status");
  for (const auto& peer : status["peers"]) {
    const std::string name = peer["name"];
    if (name.starts_with("extra")) known[name] = peer["ciliumHost"];
  }
  return known == wanted && lab.agent(node).ctl("diff").ok();
}

}  // namespace

TEST_CASE(
    "however Nodes come and go, and whatever befalls the watch, the nodes end where the API is") {
  Lab lab;
  lab.start_agents();
  add_pods(lab);
  const auto before = pictures();
  const char* given = std::getenv("PELLICLE_SEED");
  const auto seed = given ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  std::printf("PELLICLE_SEED=%lu\n", seed);
  CAPTURE(seed);
  std::mt19937_64 random(seed);

  using api::FaultKind;
  struct Trouble {
    FaultKind kind;
    bool history_forgotten;
  };
  for (const Trouble& trouble :
       {Trouble{FaultKind::drop, false}, Trouble{FaultKind::drop, true},
        Trouble{FaultKind::truncate, false}, Trouble{FaultKind::expire, true},
        Trouble{FaultKind::garbage, false}, Trouble{FaultKind::end, true}}) {
    CAPTURE(static_cast<int>(trouble.kind), trouble.history_forgotten);
    CHECK(lab.api().wait_for_watches(2 * kNodes.size(), 20s, "nodes"));
    for (int i = 0; i < 6; ++i) step(lab.api(), random);
    lab.api().disturb_watches(trouble.kind, "nodes");
    for (int i = 0; i < 6; ++i) step(lab.api(), random);
    if (trouble.history_forgotten) lab.api().forget_history();
    for (const std::string& node : kNodes) {
      CAPTURE(node);
      CHECK(wait_until([&] { return knows_exactly(lab, node); }, 20s));
    }
  }
  remove_extras(lab.api());
  check_pictures(lab, before);
  CHECK(lab.ping("net", kAddresses[1], 2).ok());
  CHECK(lab.ping("cni-cp", kAddresses[0], 2).ok());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
