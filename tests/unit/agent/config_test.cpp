#include "agent/config.h"

#include <cstdio>
#include <fstream>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

struct TemporaryFile {
  explicit TemporaryFile(const std::string& text) {
    char name[] = "/tmp/pellicle-config.XXXXXX";
    const int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    path = name;
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
  std::string path;
};

}  // namespace

TEST_CASE("config: the defaults are what the documentation says") {
  const auto line = parse_command_line({"--node-name", "worker"});
  REQUIRE(line.run);
  CHECK(line.config.settings.node_name == "worker");
  CHECK(line.config.state_dir == "/var/run/pellicle");
  CHECK(line.config.socket_path() == "/var/run/pellicle/agent.sock");
  CHECK(line.config.bpf_root == "/sys/fs/bpf/pellicle");
  CHECK(line.config.settings.netfilter);
  CHECK(line.config.boot_id_file == "/proc/sys/kernel/random/boot_id");
  CHECK(line.config.key_rotation_duration == std::chrono::seconds(300));
  CHECK(line.config.settings.strict_cidrs.empty());
  CHECK_FALSE(line.config.settings.host_encryption);
}

TEST_CASE("config: what is in effect is told by name, defaults among it") {
  const TemporaryFile file("node-name = \"worker\"\ncni-chain = \"portmap,bandwidth\"\n");
  const auto effective =
      parse_command_line({"--config", file.path, "--key-rotation-duration", "2m"}).config.effective;
  CHECK(effective.at("node-name") == "worker");
  CHECK(effective.at("cni-chain") == "portmap,bandwidth");
  CHECK(effective.at("state-dir") == "/var/run/pellicle");
  CHECK(effective.at("health-address") == "127.0.0.1:9879");
  CHECK(effective.at("key-rotation-duration") == "120");
  CHECK(effective.at("uplink").empty());
  CHECK(effective.at("log-format") == "json");
  CHECK(effective.at("netfilter") == "true");
  CHECK(effective.at("host-encryption") == "false");
  CHECK(effective.at("strict-ingress") == "enforce");
  CHECK(parse_command_line({"--node-name", "worker"}).config.effective.at("cni-chain") ==
        "portmap,bandwidth");
  CHECK_FALSE(effective.contains("help"));
  CHECK_FALSE(effective.contains("config"));
}

TEST_CASE("config: what pods may ask to send from is a list of networks of both families") {
  CHECK(parse_command_line({"--node-name", "a"}).config.settings.allowed_addresses.empty());
  const auto line =
      parse_command_line({"--node-name", "a", "--allowed-addresses", "10.9.0.0/16,fd09::/64"});
  CHECK(line.config.settings.allowed_addresses ==
        std::vector<Cidr>{*Cidr::parse("10.9.0.0/16"), *Cidr::parse("fd09::/64")});
}

TEST_CASE("config: which of a Node's addresses counts is a list of networks in its order") {
  CHECK(parse_command_line({"--node-name", "a"}).config.node_address_cidrs.empty());
  const auto line =
      parse_command_line({"--node-name", "a", "--node-address-cidrs", "172.18.0.0/16,10.9.0.0/16"});
  CHECK(line.config.node_address_cidrs ==
        std::vector<Cidr>{*Cidr::parse("172.18.0.0/16"), *Cidr::parse("10.9.0.0/16")});
  CHECK(parse_command_line({"--node-name", "a", "--node-address-cidrs", "10.9.0.1/16"}).status ==
        2);
}

TEST_CASE("config: clear text in another's name is dropped, or counted") {
  const auto verdict = [](const std::string& mode) {
    return parse_command_line({"--node-name", "a", "--strict-ingress", mode})
        .config.settings.strict_ingress;
  };
  CHECK(parse_command_line({"--node-name", "a"}).config.settings.strict_ingress ==
        ClearText::is_dropped);
  CHECK(verdict("enforce") == ClearText::is_dropped);
  CHECK(verdict("observe") == ClearText::is_observed);
}

TEST_CASE("config: a file gives the same settings, and a flag wins over it") {
  const TemporaryFile file(
      "node-name = worker\nstate-dir = /run/x\npod-mtu = 1423\nstrict-cidr = 10.0.0.0/8\n"
      "log-format = text\nnetfilter = false\nboot-id-file = /run/boot\n"
      "key-rotation-duration = 20\n");
  const auto line = parse_command_line({"--config", file.path, "--pod-mtu", "1400"});
  INFO(line.text);
  REQUIRE(line.run);
  CHECK(line.config.settings.node_name == "worker");
  CHECK(line.config.state_dir == "/run/x");
  CHECK(line.config.settings.pod_mtu == 1400);
  CHECK(line.config.boot_id_file == "/run/boot");
  CHECK(line.config.key_rotation_duration == std::chrono::seconds(20));
  CHECK(line.config.settings.strict_cidrs == std::vector{Cidr::parse("10.0.0.0/8").value()});
  CHECK(line.config.log_format == log::Format::text);
  CHECK_FALSE(line.config.settings.netfilter);
}

TEST_CASE("config: a bad value is one sentence that names it") {
  struct Case {
    std::vector<std::string> arguments;
    std::string named;
  };
  const std::vector<Case> cases = {
      {{}, "--node-name"},
      {{"--node-name", ""}, "--node-name"},
      {{"--node-name", "a", "--pod-mtu", "many"}, "--pod-mtu"},
      {{"--node-name", "a", "--pod-mtu", "70000"}, "--pod-mtu"},
      {{"--node-name", "a", "--state-dir", "relative"}, "--state-dir"},
      {{"--node-name", "a", "--strict-cidr", "10.0.0.1/8"}, "10.0.0.1/8"},
      {{"--node-name", "a", "--strict-cidr", "10.0.0.0/8,fd00::/48,fd01::/48"},
       "--strict-cidr: expected one network of a family, found 'fd01::/48' as well"},
      {{"--node-name", "a", "--strict-ingress", "off"},
       "--strict-ingress: off not in {enforce,observe}"},
      {{"--node-name", "a", "--uplink", "a-device-name-too-long"}, "--uplink"},
      {{"--node-name", "a", "--log-level", "loud"}, "--log-level"},
      {{"--node-name", "a", "--log-format", "xml"}, "--log-format: xml not in {json,text}"},
      {{"--node-name", "a", "--health-address", "localhost:9879"},
       "--health-address: expected an IP address and a port such as 127.0.0.1:9879, [::1]:9879 or "
       ":9879, found 'localhost:9879'"},
      {{"--node-name", "a", "--resync-seconds", "86401"}, "--resync-seconds"},
      {{"--node-name", "a", "--nonsense", "1"}, "--nonsense"},
      {{"--node-name", "a", "--host-encryption", "true", "--netfilter", "false"},
       "--host-encryption: expected --netfilter"},
      {{"--config", "/does/not/exist", "--node-name", "a"}, "/does/not/exist"},
  };
  for (const auto& wrong : cases) {
    const auto line = parse_command_line(wrong.arguments);
    INFO(line.text);
    CHECK_FALSE(line.run);
    CHECK(line.status == 2);
    CHECK(line.text.find(wrong.named) != std::string::npos);
    CHECK(std::count(line.text.begin(), line.text.end(), '\n') == 1);
  }
}

TEST_CASE("config: a strict network for each family") {
  const TemporaryFile file("node-name = worker\nstrict-cidr = \"10.0.0.0/8,fd00:10::/32\"\n");
  const auto line = parse_command_line({"--config", file.path});
  INFO(line.text);
  REQUIRE(line.run);
  CHECK(line.config.settings.strict_cidr(Family::v4) == Cidr::parse("10.0.0.0/8"));
  CHECK(line.config.settings.strict_cidr(Family::v6) == Cidr::parse("fd00:10::/32"));
}

TEST_CASE("config: an unknown name in the file is an error") {
  const TemporaryFile file("node-name = worker\nstate-dri = /run/x\n");
  const auto line = parse_command_line({"--config", file.path});
  CHECK_FALSE(line.run);
  CHECK(line.status == 2);
  CHECK(line.text ==
        "pellicle-agent: the --config file has a setting that does not exist: state-dri\n");
}

}  // namespace this_file
