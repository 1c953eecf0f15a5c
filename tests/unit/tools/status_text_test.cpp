#include "tools/ctl/status_text.h"

#include <sstream>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;
using Catch::Matchers::Contains;
using Json = nlohmann::ordered_json;

namespace {

Json healthy() {
  return Json::parse(R"({
    "ready": true, "version": "0.1.0", "started": "2026-11-23T08:00:00Z",
    "node": {"name": "worker", "podCIDR": "10.0.1.0/24", "internalIP": "172.18.0.3",
             "ciliumHost": "10.0.1.138", "uplink": {"name": "eth0", "mtu": 1500}},
    "kubernetes": {"server": "https://172.18.0.1:6443", "sources": [
      {"name": "nodes", "synced": true, "healthy": true, "since": "2026-11-23T08:00:01Z"}]},
    "encryption": {"mode": "IPsec", "key": 3, "algorithm": "rfc4106(gcm(aes)) 128"},
    "peers": [{"name": "control-plane", "state": "encrypted", "podCIDR": "10.0.2.0/24",
               "internalIP": "172.18.0.2", "ciliumHost": "10.0.2.52", "key": 3},
              {"name": "worker2", "state": "encrypted", "podCIDR": "10.0.0.0/24",
               "internalIP": "172.18.0.4", "ciliumHost": "10.0.0.40", "key": 3}],
    "ipam": [{"family": "IPv4", "podCIDR": "10.0.1.0/24", "allocated": 4, "usable": 254}],
    "cni": {"installed": true, "file": "/etc/cni/net.d/05-pellicle.conflist",
            "chained": ["portmap", "bandwidth"], "others": ["10-kindnet.conflist"]},
    "unready": [], "endpoints": 2, "objects": {"state": 3, "policy": 5},
    "problems": [], "refusals": [], "passes": 4,
    "drops": {"no_key": {"packets": 0, "bytes": 0}}})");
}

void check_fits_80_columns(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 80);
  }
}

}  // namespace

TEST_CASE("status text: a healthy node") {
  const auto screen = status_text(healthy(), false, true);
  CHECK(screen.healthy);
  CHECK(screen.text ==
        "Node:         worker  172.18.0.3 on eth0 mtu 1500\n"
        "Pods:         10.0.1.0/24, cilium_host 10.0.1.138, pods 2\n"
        "IPAM:         IPv4: 4/254 allocated from 10.0.1.0/24\n"
        "CNI:          /etc/cni/net.d/05-pellicle.conflist, then portmap, bandwidth;\n"
        "              others beside it: 10-kindnet.conflist\n"
        "Kubernetes:   Ok   https://172.18.0.1:6443\n"
        "Encryption:   IPsec   key 3, one for all nodes, rfc4106(gcm(aes)) 128\n"
        "Peers:        2/2 encrypted\n"
        "  control-plane          10.0.2.0/24     via 172.18.0.2      10.0.2.52\n"
        "  worker2                10.0.0.0/24     via 172.18.0.4      10.0.0.40\n"
        "Programmed:   state 3, policy 5\n"
        "Drops:        none\n"
        "Problems:     none\n"
        "Agent:        Ok   0.1.0, since 2026-11-23T08:00:00Z, 4 passes\n");
  check_fits_80_columns(screen.text);
}

TEST_CASE("status text: what is wrong is said, and the status is degraded") {
  auto status = healthy();
  status["kubernetes"]["sources"][0]["healthy"] = false;
  status["kubernetes"]["sources"][0]["message"] =
      "nodes: 403 Forbidden: nodes is forbidden: User \"x\" cannot list resource \"nodes\" in API "
      "group \"\" at the cluster scope";
  status["kubernetes"]["sources"][0]["since"] = "2026-11-23T08:00:30Z";
  status["unready"] = {"10.0.3.0/24"};
  status["problems"] = {{{"object", "Node worker3"},
                         {"field", "spec.podCIDR"},
                         {"message", "expected a network"},
                         {"since", "2026-11-23T08:01:00Z"}}};
  status["refusals"] = {{{"operation", "add state src 10.0.1.138 dst 10.0.0.40"},
                         {"errno", 93},
                         {"message", "Protocol not supported"},
                         {"since", "2026-11-23T08:02:00Z"}}};
  status["drops"]["no_key"]["packets"] = 7;
  const auto screen = status_text(status, false, false);
  CHECK_FALSE(screen.healthy);
  for (const std::string word :
       {"Degraded", "403 Forbidden",
        "at the cluster scope (since 2026-11-23T08:00:30Z; the last known state keeps running)",
        "2/3 encrypted", "10.0.3.0/24", "Node worker3 spec.podCIDR since 2026-11-23T08:01:00Z",
        "refused since", "Protocol not supported", "7 no_key"}) {
    INFO(word << "\n" << screen.text);
    std::string joined = screen.text;  // sentences are wrapped
    for (size_t at = 0; (at = joined.find('\n', at)) != std::string::npos;) {
      const auto next = joined.find_first_not_of(" \n", at);
      joined.replace(at, (next == std::string::npos ? joined.size() : next) - at, " ");
    }
    CHECK(joined.find(word) != std::string::npos);
  }
  check_fits_80_columns(screen.text);
}

TEST_CASE("status text: a peer that is not encrypted to is not counted, stands first, says why") {
  auto status = healthy();
  status["peers"][1]["state"] = "refused";
  const auto refused = status_text(status, false, false).text;
  CHECK_THAT(refused,
             Contains("Peers:        1/2 encrypted\n"
                      "  worker2                10.0.0.0/24     refused by the kernel, see "
                      "below\n"
                      "  control-plane          10.0.2.0/24     via 172.18.0.2"));
  check_fits_80_columns(refused);
  status["peers"][1]["state"] = "dropped";
  const auto dropped = status_text(status, false, false).text;
  CHECK_THAT(dropped,
             Contains("  worker2                10.0.0.0/24     dropped: there is no key for "
                      "it yet\n"));
  check_fits_80_columns(dropped);
}

TEST_CASE("status text: one cause is said once, above what it concerns") {
  auto status = healthy();
  for (int i = 0; i < 9; ++i) {
    status["refusals"].push_back({{"operation", "add peer " + std::to_string(i)},
                                  {"errno", 1},
                                  {"message", i == 8 ? "Another thing" : "No bpf file system"},
                                  {"since", "2026-11-23T08:02:00Z"}});
  }
  const auto screen = status_text(status, false, false);
  CHECK(screen.text.find("Problems:     2\n"
                         "  refused since 2026-11-23T08:02:00Z: No bpf file system\n"
                         "    add peer 0\n    add peer 1\n    add peer 2\n    add peer 3\n"
                         "    ... 4 more with --verbose\n"
                         "  refused since 2026-11-23T08:02:00Z: Another thing\n"
                         "    add peer 8\n") != std::string::npos);
  CHECK(status_text(status, false, true).text.find("    add peer 7\n") != std::string::npos);
}

TEST_CASE("status text: no key is degraded, and colour is only what was asked for") {
  auto status = healthy();
  status["encryption"]["key"] = nullptr;
  CHECK_FALSE(status_text(status, false, false).healthy);
  CHECK(status_text(status, false, false).text.find('\033') == std::string::npos);
  CHECK(status_text(status, true, false).text.find("\033[31mno key") != std::string::npos);
}

}  // namespace this_file
