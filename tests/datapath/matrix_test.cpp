// Services beside a kube-proxy in each of its modes: everybody who may ask, by every address of the
// Service, in both families, gets the answers that Kubernetes promises, and between pods nothing of
// it is in the clear. One case a mode, one cluster a case; the rows below are the cells.
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>

#include "agent/kernel/netfilter_save.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

using namespace pellicle;
using namespace pellicle::lab;

namespace {

const std::string kOutside;  // the guest's root namespace, 172.18.0.1 and fd00:172::1
constexpr const char* kConfig =
    "ipv4-native-routing-cidr = \"10.0.0.0/8\"\nipv6-native-routing-cidr = \"fd00:10::/32\"\n";

using Pages = std::set<std::string>;
const Pages kPodPages = {kSeedPods[1].page(), kSeedPods[2].page()};  // cni-s22px, cni-fcnh6
const Pages kNodePages = {"worker\n", "worker2\n"};

enum class Expected { both, one, worker, worker2, none };

// Who asks: a pod beside a back end, that back end itself, and a pod and a node for which both are
// remote. What worker2 and its back end would see worker and cni-s22px do.
const std::vector<std::string> kEverybody = {"net", "cni-s22px", "cni-cp", "worker",
                                             "control-plane"};
// By whose NodePort: one's own, one beside the other back end, one with neither.
const std::vector<std::string> kNodes = {"worker", "worker2", "control-plane"};

// Each of `from` asks by each of `by`: "" is the ClusterIP, else the node whose NodePort it is.
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
  return {{kEverybody, {"", "worker", "worker2", "control-plane"}, expected},
          {{kOutside}, kNodes, expected}};
}

// From outside a node serves with its own back end or not at all. In the modes that write rules
// pods and nodes are let through to all of them, by their own node.
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

// What four connections to each of these give, by URL; curl's words for one that failed.
std::map<std::string, Pages> ask(const std::string& from, const std::vector<std::string>& urls,
                                 Seconds limit = 5s) {
  std::string command = "curl --silent --show-error --stderr - --globoff --max-time " +
                        std::to_string(patience(limit).count()) +
                        " --write-out '%{url_effective}\\n'";
  for (const std::string& each : urls)
    for (int i = 1; i <= 4; ++i) command += " " + shell_word(each + "?" + std::to_string(i));
  std::map<std::string, Pages> found;
  std::istringstream lines(sh_in(from, command, 120s).output);
  std::string page;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("http://")) {
      page += line + "\n";
      continue;
    }
    found[line.substr(0, line.find('?'))].insert(page);
    page.clear();
  }
  return found;
}

// kube-proxy throws a coin for each connection: one back end alone is all of 40 once in 2^39 times.
std::map<std::string, Pages> ask_for_both(const std::string& from,
                                          const std::vector<std::string>& urls) {
  std::map<std::string, Pages> found;
  std::vector<std::string> left = urls;
  for (int i = 0; i < 10 && !left.empty(); ++i) {
    for (auto& [each, pages] : ask(from, left)) found[each].merge(pages);
    std::erase_if(left, [&](const std::string& each) { return found[each].size() >= 2; });
  }
  return found;
}

void check_one(const std::string& from, const std::vector<std::string>& urls, const Pages& all) {
  const auto first = ask(from, urls);
  const auto again = ask(from, urls);
  for (const std::string& each : urls) {
    CAPTURE(from, each);
    REQUIRE(first.at(each).size() == 1);
    CHECK(all.contains(*first.at(each).begin()));
    CHECK(again.at(each) == first.at(each));
  }
}

void check_none(const std::string& from, const std::vector<std::string>& urls) {
  for (const std::string& each : urls) {
    CAPTURE(from, each);
    const Pages pages = ask(from, {each}, 0.2s).at(each);
    for (const std::string& page : pages) CHECK(page.starts_with("curl: ("));
  }
}

void check_pages(const std::string& from, const std::vector<std::string>& urls,
                 const Pages& expected) {
  const auto found = expected.size() > 1 ? ask_for_both(from, urls) : ask(from, urls);
  for (const std::string& each : urls) {
    CAPTURE(from, each);
    CHECK(found.at(each) == expected);
  }
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

// On each node a web server beside its pods, as a pod with hostNetwork is.
std::list<Process> serve_on_nodes(Lab& lab) {
  std::list<Process> servers;
  for (const NodeSpec& node : lab.network().nodes()) {
    const std::string root = "/run/lab/www/" + node.name;
    std::filesystem::create_directories(root);
    write_file(root + "/index.html", node.name + "\n");
    const std::string port = std::to_string(kHostNetworkPort);
    servers.emplace_back(std::vector<std::string>{"busybox", "httpd", "-f", "-p", port, "-h", root},
                         lab.log_dir() + "/" + node.name + "-httpd.log", node.name);
    REQUIRE(wait_until([&] { return lab.http_get(node.name, "http://127.0.0.1:" + port).ok(); }));
  }
  return servers;
}

bool has_esp(Lab& lab, const char* from, const char* to) {
  for (const Packet& packet : lab.network().wire()) {
    if (packet.protocol == 50 && packet.src == IpAddress::parse(from) &&
        packet.dst == IpAddress::parse(to))
      return true;
  }
  return false;
}

// What a real one wrote on worker; see its README.md.
std::string reference(const char* file) {
  return file_text(std::string(PELLICLE_SOURCE_DIR "/tests/harness/lab/kube_proxy/reference/") +
                   file);
}

// The tables nat and filter, whose chains have come about in another order.
void check_as_a_real_one_writes(const std::string& iptables) {
  const auto written = parse_save(must_in("worker", iptables + "-save"));
  const auto real = parse_save(reference("iptables.save"));
  REQUIRE(real.contains("nat"));
  for (const char* table : {"nat", "filter"}) CHECK(written.at(table) == real.at(table));
}

// Without the element that its own back end puts into a set, and without the lines between.
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

void check_mode(ProxyMode mode) {
  Lab lab({.nodes = dual_stack_nodes(), .agent_config = kConfig});
  install_service(lab.network(), {.mode = mode});
  if (mode == ProxyMode::iptables_legacy) check_as_a_real_one_writes("iptables-legacy");
  if (mode == ProxyMode::iptables_nft) check_as_a_real_one_writes("iptables-nft");
  if (mode == ProxyMode::nftables) check_nftables_as_a_real_one_writes();
  lab.start_agents();
  add_seed_pods(lab);
  const std::list<Process> servers = serve_on_nodes(lab);
  for (const Scenario& scenario : scenarios(mode)) {
    CAPTURE(scenario.what);
    install_service(lab.network(), scenario.spec);
    for (const Row& row : scenario.rows)
      check_row(lab.network(), row, scenario.spec.host_network ? kNodePages : kPodPages);
    for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
    CHECK(lab.cleartext().empty());
  }
  CHECK(has_esp(lab, "10.0.1.138", "10.0.0.40"));
  CHECK(has_esp(lab, "fd00:10:1::8a", "fd00:10::28"));
  for (const NodeSpec& node : lab.network().nodes()) {
    CAPTURE(node.name);
    CHECK(lab.agent(node.name).ctl("status").ok());
    CHECK(lab.agent(node.name).ask("diff")["operations"].empty());
  }
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace

TEST_CASE("Services beside kube-proxy: iptables mode, legacy back end") {
  check_mode(ProxyMode::iptables_legacy);
}

TEST_CASE("Services beside kube-proxy: IPVS mode") {
  check_mode(ProxyMode::ipvs);
}

TEST_CASE("Services beside kube-proxy: iptables mode, nft back end", "[.][stock]") {
  check_mode(ProxyMode::iptables_nft);
}

TEST_CASE("Services beside kube-proxy: nftables mode", "[.][stock]") {
  check_mode(ProxyMode::nftables);
}
