#include "tools/ctl/monitor_filter.h"

#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::ctl;

namespace {

std::vector<Cidr> networks(const std::vector<std::string>& texts) {
  std::vector<Cidr> all;
  for (const auto& text : texts) all.push_back(parse_network(text).value());
  return all;
}

bool takes(const MonitorFilter& filter, const std::string& source, const std::string& destination) {
  DatapathEvent event;
  event.source = IpAddress::parse(source);
  event.destination = IpAddress::parse(destination);
  return filter.takes(event);
}

const auto kStatus = nlohmann::ordered_json::parse(R"({
  "node": {"name": "worker", "podCIDR": "10.0.1.0/24", "podCIDR6": "fd00:10:1::/64",
           "internalIP": "172.18.0.3", "internalIP6": "fd00:172::3", "ciliumHost": "10.0.1.138",
           "ciliumHost6": "fd00:10:1::8a", "uplink": {"name": "eth0", "mtu": 1500}},
  "peers": [
    {"name": "worker2", "podCIDR": "10.0.0.0/24", "internalIP": "172.18.0.4",
     "ciliumHost": "10.0.0.40"},
    {"name": "worker2", "podCIDR": "fd00:10::/64", "internalIP": "fd00:172::4",
     "ciliumHost": "fd00:10::28"},
    {"name": "control-plane", "podCIDR": "10.0.2.0/24", "internalIP": "172.18.0.2",
     "ciliumHost": "10.0.2.52"}]})");

}  // namespace

TEST_CASE("monitor filter: addresses and networks of both families, nothing else") {
  CHECK(parse_network("10.0.1.52")->to_string() == "10.0.1.52/32");
  CHECK(parse_network("10.0.1.0/24")->to_string() == "10.0.1.0/24");
  CHECK(parse_network("fd00:10:1::34")->to_string() == "fd00:10:1::34/128");
  for (const char* wrong : {"", "worker", "10.0.1.52/24", "10.0.1", "10.0.1.0/33"}) {
    INFO(wrong);
    CHECK_FALSE(parse_network(wrong).has_value());
  }
}

TEST_CASE("monitor filter: without wishes everything is taken, also what has no address") {
  CHECK(takes({}, "10.0.1.52", "10.0.0.249"));
  CHECK(takes({}, "", ""));
}

TEST_CASE("monitor filter: from, to and either") {
  const MonitorFilter from{.from = networks({"10.0.1.52"})};
  CHECK(takes(from, "10.0.1.52", "10.0.0.249"));
  CHECK_FALSE(takes(from, "10.0.0.249", "10.0.1.52"));
  CHECK_FALSE(takes(from, "", ""));
  const MonitorFilter to{.to = networks({"10.0.1.0/24", "fd00:10::/64"})};
  CHECK(takes(to, "10.0.0.249", "10.0.1.52"));
  CHECK(takes(to, "fd00:10:1::34", "fd00:10::f9"));
  CHECK_FALSE(takes(to, "10.0.1.52", "10.0.0.249"));
  const MonitorFilter related{.related = networks({"10.0.1.52"})};
  CHECK(takes(related, "10.0.1.52", "10.0.0.249"));
  CHECK(takes(related, "10.0.0.249", "10.0.1.52"));
  CHECK_FALSE(takes(related, "10.0.1.53", "10.0.0.249"));
  CHECK_FALSE(takes(related, "", ""));
}

TEST_CASE("monitor filter: every list has to be satisfied") {
  const MonitorFilter both{.from = networks({"10.0.1.52", "10.0.1.53"}),
                           .nodes = networks({"10.0.0.0/24"})};
  CHECK(takes(both, "10.0.1.53", "10.0.0.249"));
  CHECK_FALSE(takes(both, "10.0.1.53", "10.0.2.77"));
  CHECK_FALSE(takes(both, "10.0.1.54", "10.0.0.249"));
}

TEST_CASE("monitor filter: a node is all that it has, by its name or any of its addresses") {
  const auto worker2 = networks(
      {"10.0.0.0/24", "172.18.0.4", "10.0.0.40", "fd00:10::/64", "fd00:172::4", "fd00:10::28"});
  for (const char* name : {"worker2", "172.18.0.4", "fd00:172::4", "10.0.0.40"}) {
    INFO(name);
    CHECK(networks_of_node(kStatus, name) == worker2);
  }
  CHECK(networks_of_node(kStatus, "worker") ==
        networks({"10.0.1.0/24", "fd00:10:1::/64", "172.18.0.3", "fd00:172::3", "10.0.1.138",
                  "fd00:10:1::8a"}));
  CHECK(networks_of_node(kStatus, "worker3").empty());
  CHECK(networks_of_node(kStatus, "10.0.0.249").empty());  // a pod is no node
  CHECK(networks_of_node(nlohmann::ordered_json::object(), "worker").empty());
}

}  // namespace this_file
