// The configuration files that the chart renders, read by their programs.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/config.h"
#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"
#include "tools/operator/options.h"

namespace this_file {

using namespace pellicle;

namespace {

std::string golden(const std::string& name) {
  std::ifstream file(std::string(PELLICLE_GOLDEN) + "/" + name + ".yaml");
  std::ostringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

// The block under `key` of a ConfigMap, as kubelet writes it to a file; empty: no such key.
std::string block(const std::string& manifests, const std::string& key) {
  std::istringstream lines(manifests);
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (inside && !line.starts_with("    ")) break;
    if (inside) text += line.substr(4) + "\n";
    if (line == "  " + key + ": |") inside = true;
  }
  return text;
}

std::string written(const TemporaryDirectory& folder, const std::string& text) {
  const std::string path = folder.path() + "/config";
  std::ofstream(path) << text;
  return path;
}

Config agent_config(const std::string& golden_name) {
  const TemporaryDirectory folder;
  const auto path = written(folder, block(golden(golden_name), "agent.conf"));
  const auto line = parse_command_line({"--config", path, "--node-name", "worker"});
  INFO(golden_name << ": " << line.text);
  REQUIRE(line.run);
  return line.config;
}

OperatorOptions operator_options(const std::string& golden_name) {
  const TemporaryDirectory folder;
  const auto path = written(folder, block(golden(golden_name), "operator.conf"));
  const auto line = parse_operator_command_line({"--config", path});
  INFO(golden_name << ": " << line.text);
  REQUIRE(line.run);
  return line.options;
}

}  // namespace

TEST_CASE("every rendered configuration is one that its program takes") {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PELLICLE_GOLDEN)) {
    if (entry.path().extension() != ".yaml") continue;
    const auto name = entry.path().stem().string();
    ++files;
    agent_config(name);
    if (!block(golden(name), "operator.conf").empty()) operator_options(name);
  }
  CHECK(files > 5);
}

TEST_CASE("an empty chain arrives, in whatever form it was written") {
  for (const char* name : {"host", "datapath", "ipv6-only", "no-operator"}) {
    INFO(name);
    CHECK(agent_config(name).cni.chain.empty());
  }
}

TEST_CASE("the chart's networks are those of the programs") {
  std::ifstream file(std::string(PELLICLE_GOLDEN) + "/../networks.txt");
  size_t count = 0;
  for (std::string kind, text; file >> kind && std::getline(file >> std::ws, text);) {
    if (kind != "good" && kind != "bad") continue;
    ++count;
    INFO(text);
    CHECK(Cidr::parse(text).has_value() == (kind == "good"));
  }
  CHECK(count > 20);
}

TEST_CASE("what becomes of the start-up taint arrives") {
  CHECK(operator_options("defaults").taint_policy.remove);
  CHECK(operator_options("defaults").taint_policy.put_after.count() == 0);
  CHECK(operator_options("kubernetes-ipam").taint_policy.put_after == std::chrono::minutes(10));
}

TEST_CASE("the seed's flags arrive") {
  const auto config = agent_config("seed");
  CHECK(config.service_host == "172.18.0.2");
  CHECK(config.service_port == "6443");
  CHECK(config.log_level == "debug");
  CHECK(config.settings.native_cidr == Cidr::parse("10.0.0.0/8"));
  CHECK(config.cni.chain == std::vector<std::string>{"portmap", "bandwidth"});
  const auto options = operator_options("seed");
  REQUIRE(options.pools.size() == 1);
  CHECK(options.pools[0] == CidrPool::split(*Cidr::parse("10.0.0.0/8"), 24));
  CHECK(options.health_address == "127.0.0.1:9234");
  CHECK(options.service_host == "172.18.0.2");
  CHECK(options.election.space == "kube-system");
}

TEST_CASE("the other values arrive") {
  CHECK(agent_config("seed").key_rotation_duration == std::chrono::minutes(5));
  CHECK_FALSE(agent_config("seed").allow_weak_algorithms);
  CHECK(agent_config("datapath").key_rotation_duration == std::chrono::seconds(90));
  CHECK(agent_config("datapath").allow_weak_algorithms);
  const auto datapath = agent_config("datapath").settings;
  CHECK(datapath.uplink == "eth1");
  CHECK(datapath.pod_mtu == 1400);
  CHECK(datapath.strict_cidrs == std::vector{*Cidr::parse("10.0.0.0/8")});
  CHECK(datapath.host_encryption);
  CHECK_FALSE(agent_config("seed").settings.host_encryption);
  CHECK(datapath.masquerade_exceptions.size() == 2);
  CHECK(operator_options("datapath").pools.size() == 2);
  const auto host = agent_config("host");
  CHECK_FALSE(host.settings.direct_routes);
  CHECK(agent_config("seed").settings.direct_routes);  // Cilium's `true`
  CHECK(agent_config("defaults").settings.direct_routes);
  CHECK(host.cni.conf_dir == "/var/lib/cni/net.d");
  CHECK(host.cni.bin_dir == "/usr/libexec/cni");
  CHECK(host.cni.chain.empty());
  const auto both = operator_options("dual-stack");
  CHECK(both.pools.size() == 2);
  CHECK(both.reserved.size() == 2);
  CHECK(operator_options("ipv6-only").pools.size() == 2);
  CHECK(operator_options("prometheus").health_address == ":9963");
}

}  // namespace this_file
