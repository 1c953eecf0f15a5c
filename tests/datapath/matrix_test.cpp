// Services beside kube-proxy in each of its modes: every kind of client, over every address of the
// Service, in both families, gets the answers that Kubernetes promises, and no traffic between pods
// is in the clear. One case and one cluster per mode; the rows below are the cells.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

#include "agent/kernel/netfilter_save.h"
#include "tests/datapath/service_pages.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

const std::string kOutside;  // the guest's root namespace, 172.18.0.1 and fd00:172::1
constexpr const char* kConfig =
    "ipv4-native-routing-cidr = \"10.0.0.0/8\"\nipv6-native-routing-cidr = \"fd00:10::/32\"\n";
constexpr const char* kHostEncryption = "host-encryption = true\n";

const Pages kPodPages = {kSeedPods[1].page(), kSeedPods[2].page()};  // cni-s22px, cni-fcnh6
const Pages kNodePages = {"worker\n", "worker2\n"};

enum class Expected { both, one, worker, worker2, none };

// A stock kernel's guest is slow. There the tests leave out clients for which both back ends are
// remote, and the NodePort of a node without a back end.
const bool kAll = patience(1s) == 1s;

// The clients: a pod beside a back end, that back end itself, their node, and a pod and a node for
// which both back ends are remote. worker2 and its back end would behave like worker and cni-s22px.
const std::vector<std::string> kEverybody =
    kAll ? std::vector<std::string>{"net", "cni-s22px", "worker", "cni-cp", "control-plane"}
         : std::vector<std::string>{"net", "cni-s22px", "worker"};
// The nodes whose NodePort is used: one beside each back end, and one with neither.
const std::vector<std::string> kNodes =
    kAll ? std::vector<std::string>{"worker", "worker2", "control-plane"}
         : std::vector<std::string>{"worker", "worker2"};

// Each client in `from` connects to each address in `by`: "" is the ClusterIP, else the node whose
// NodePort it is.
struct Row {
  std::vector<std::string> from;
  std::vector<std::string> by;
  Expected expected;
};

struct Scenario {
  const char* what;
  ServiceSpec spec;
  std::vector<Row> rows;
};

std::vector<Row> everybody_gets(Expected expected) {
  std::vector<std::string> all = {""};
  all.insert(all.end(), kNodes.begin(), kNodes.end());
  return {{kEverybody, all, expected}, {{kOutside}, kNodes, expected}};
}

// For outside clients a node uses only its own back end, or refuses. In the modes that write rules,
// pods and nodes reach all back ends through their own node.
std::vector<Row> local_rows(ProxyMode mode) {
  std::vector<Row> rows = {{{"net", "worker"}, {""}, Expected::both},
                           {{kOutside, "cni-cp"}, {"worker"}, Expected::worker},
                           {{kOutside, "net"}, {"worker2"}, Expected::worker2},
                           {{kOutside}, {"control-plane"}, Expected::none}};
  if (mode == ProxyMode::ipvs) {
    rows.push_back({{"net", "cni-s22px", "worker"}, {"worker"}, Expected::worker});
  } else {
    rows.push_back({{"net", "cni-s22px", "worker"}, {"worker"}, Expected::both});
    rows.push_back({{"cni-cp", "control-plane"}, {"control-plane"}, Expected::both});
  }
  return rows;
}

std::vector<Scenario> scenarios(ProxyMode mode) {
  return {{"plain", {.mode = mode}, everybody_gets(Expected::both)},
          {"session affinity",
           {.mode = mode, .client_ip_affinity = true},
           everybody_gets(Expected::one)},
          {"externalTrafficPolicy Local", {.mode = mode, .local_only = true}, local_rows(mode)},
          {"hostNetwork back ends",
           {.mode = mode, .host_network = true},
           everybody_gets(Expected::both)}};
}

std::string url(const Network& network, const std::string& by, Family family) {
  const bool ipv4 = family == Family::v4;
  if (by.empty()) return http_url(ipv4 ? kServiceAddress : kServiceIpv6);
  const NodeSpec& node = network.node(by);
  return http_url((ipv4 ? node.address : node.ipv6->address).to_string(), kNodePort);
}

void check_row(const Network& network, const Row& row, const Pages& all) {
  std::vector<std::string> urls;
  for (const Family family : kFamilies)
    for (const std::string& by : row.by) urls.push_back(url(network, by, family));
  for (const std::string& from : row.from) {
    switch (row.expected) {
      case Expected::both:
        check_pages(from, urls, all);
        break;
      case Expected::one:
        check_one(from, urls, all);
        break;
      case Expected::worker:
        check_pages(from, urls, {kSeedPods[1].page()});
        break;
      case Expected::worker2:
        check_pages(from, urls, {kSeedPods[2].page()});
        break;
      case Expected::none:
        check_none(from, urls);
        break;
    }
  }
}

bool has_esp(Lab& lab, const char* from, const char* to) {
  for (const Packet& packet : lab.network().wire()) {
    if (packet.protocol == 50 && packet.src == IpAddress::parse(from) &&
        packet.dst == IpAddress::parse(to))
      return true;
  }
  return false;
}

// What a real kube-proxy wrote on worker; see its README.md.
std::string reference(const char* file) {
  return file_text(std::string(PELLICLE_SOURCE_DIR "/tests/harness/lab/kube_proxy/reference/") +
                   file);
}

// Compares the tables nat and filter; their chains were created in another order.
void check_as_a_real_one_writes(const std::string& iptables) {
  const auto written = parse_save(must_in("worker", iptables + "-save"));
  const auto real = parse_save(reference("iptables.save"));
  REQUIRE(real.contains("nat"));
  for (const char* table : {"nat", "filter"}) CHECK(written.at(table) == real.at(table));
}

// Ignores the element that a node's own back end adds to a set, and the order of the lines.
void check_nftables_as_a_real_one_writes() {
  const auto lines = [](const std::string& text) {
    std::set<std::string> found;
    std::istringstream all(text);
    for (std::string line; std::getline(all, line);)
      if (line.find("10.0.1.103 . 10.0.1.103") == line.npos) found.insert(line);
    return found;
  };
  CHECK(lines(must_in("worker", "nft list table ip kube-proxy")) ==
        lines(reference("nftables.nft")));
}

// With host encryption all traffic of a pod is encrypted, whatever the address and back end, and so
// is outside clients' traffic while the back ends are pods. Traffic between nodes themselves stays
// in the clear.
bool must_be_encrypted(const std::string& from, Lab& lab, const Scenario& scenario) {
  if (from == kOutside) return !scenario.spec.host_network;
  const auto& nodes = lab.network().nodes();
  return std::none_of(nodes.begin(), nodes.end(),
                      [&](const NodeSpec& node) { return node.name == from; });
}

// Runs each row first for the clients whose traffic must be encrypted, and then for the others.
void check_rows(Lab& lab, const Scenario& scenario, bool host_encryption) {
  const Pages& all = scenario.spec.host_network ? kNodePages : kPodPages;
  const size_t before = lab.network().unencrypted().size();
  std::vector<Row> others;
  for (Row row : scenario.rows) {
    Row other = row;
    const auto encrypted = [&](const std::string& from) {
      return must_be_encrypted(from, lab, scenario);
    };
    std::erase_if(row.from, [&](const std::string& from) { return !encrypted(from); });
    std::erase_if(other.from, encrypted);
    check_row(lab.network(), row, all);
    others.push_back(other);
  }
  if (host_encryption) CHECK(lab.network().unencrypted().size() == before);
  for (const Row& row : others) check_row(lab.network(), row, all);
}

void check_mode(ProxyMode mode, bool host_encryption) {
  const std::string config = std::string(kConfig) + (host_encryption ? kHostEncryption : "");
  Lab lab({.nodes = dual_stack_nodes(), .agent_config = config});
  collisions_left = mode == ProxyMode::ipvs ? 1 : 0;
  install_service(lab.network(), {.mode = mode});
  if (mode == ProxyMode::iptables_legacy) check_as_a_real_one_writes("iptables-legacy");
  if (mode == ProxyMode::iptables_nft) check_as_a_real_one_writes("iptables-nft");
  if (mode == ProxyMode::nftables) check_nftables_as_a_real_one_writes();
  lab.start_agents();
  add_seed_pods(lab);
  lab.serve_http_on_nodes(kHostNetworkPort);
  for (const Scenario& scenario : scenarios(mode)) {
    CAPTURE(scenario.what);
    install_service(lab.network(), scenario.spec);
    check_rows(lab, scenario, host_encryption);
    for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
    CHECK(lab.cleartext().empty());
  }
  CHECK(has_esp(lab, "10.0.1.138", "10.0.0.40"));
  CHECK(has_esp(lab, "fd00:10:1::8a", "fd00:10::28"));
  for (const NodeSpec& node : lab.network().nodes()) {
    CAPTURE(node.name);
    CHECK(lab.agent(node.name).ctl("status").ok());
    // The last installation may just have put its rules before Pellicle's.
    CHECK(wait_until([&] { return lab.agent(node.name).ask("diff")["operations"].empty(); }, 60s));
  }
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace

TEST_CASE("Services beside kube-proxy: iptables mode, legacy back end") {
  check_mode(ProxyMode::iptables_legacy, false);
}

TEST_CASE("Services beside kube-proxy: iptables mode, legacy back end, host encryption") {
  check_mode(ProxyMode::iptables_legacy, true);
}

TEST_CASE("Services beside kube-proxy: IPVS mode") {
  check_mode(ProxyMode::ipvs, false);
}

TEST_CASE("Services beside kube-proxy: IPVS mode, host encryption") {
  check_mode(ProxyMode::ipvs, true);
}

// User-Mode Linux (6.1) has neither the ip nor the inet family of nf_tables, so these run only in
// the stock kernel. To save time there, only one of them uses host encryption.
TEST_CASE("Services beside kube-proxy: iptables mode, nft back end, host encryption",
          "[.][stock]") {
  check_mode(ProxyMode::iptables_nft, true);
}

TEST_CASE("Services beside kube-proxy: nftables mode", "[.][stock]") {
  check_mode(ProxyMode::nftables, false);
}

}  // namespace this_file
