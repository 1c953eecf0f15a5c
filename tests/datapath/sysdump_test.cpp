#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

std::string unpacked(const std::string& archive) {
  const std::string folder = archive + ".d";
  std::filesystem::create_directories(folder);
  must("tar -C " + folder + " -xzf " + archive);
  return folder + "/pellicle-sysdump/";
}

}  // namespace

TEST_CASE("a sysdump tells all about a node but the key") {
  Lab lab;
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(lab.ping("net", "10.0.0.249").ok());
  // A foreign state's key must not leak either, nor a key in a log.
  must_in("worker",
          "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 9 mode tunnel aead "
          "'rfc4106(gcm(aes))' 0xa1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4 128");
  write_file("/run/lab/other.log", "key 000102030405060708090a0b0c0d0e0f10111213 and more\n");
  const std::string archive = lab.log_dir() + "/sysdump.tar.gz";
  auto& agent = lab.agent("worker");
  const std::string places =
      " --state-dir " + agent.state_dir() + " --bpf-root " + agent.bpf_root();
  const auto result = agent.ctl("sysdump " + archive + " --add /run/lab/other.log" + places);
  INFO(result.output);
  REQUIRE(result.ok());
  const auto folder = unpacked(archive);
  const auto has = [&](const std::string& name, const std::string& words) {
    INFO(name);
    CHECK_THAT(file_text(folder + name), Catch::Contains(words));
  };
  has("about.txt", "pellicle ");
  has("agent/status.txt", "Encryption");
  has("agent/status.json", "\"ready\": true");
  has("agent/diff.json", "\"operations\": []");
  has("agent/endpoints.json", "10.0.1.52");
  has("kernel/objects.txt", "route 10.0.0.0/24 via 172.18.0.4");
  has("network/rules.txt", "lookup 200");
  has("network/routes.txt", "table 200");
  has("network/xfrm-states.txt", "src 10.0.1.138 dst 10.0.0.40");
  has("network/xfrm-policies.txt", "10.0.1.0/24");
  has("network/xfrm-statistics.txt", "XfrmOutPolBlock");
  has("netfilter/" + iptables() + ".txt", "CT --notrack");
  has("files/other.log", "key (40 hexadecimal digits left out) and more");
  const auto found = sh("grep -rilE 'a1a2a3a4a5|000102030405060708090a' " + folder);
  CHECK(found.output.empty());
  CHECK(lab.files_with_the_key().empty());

  // Without an agent everything else is still included; written to standard output, as for `kubectl
  // exec`.
  agent.stop();
  const auto again = sh_in("worker", program("pellicle") + " --socket " + agent.socket() +
                                         " sysdump -" + places + " > " + archive);
  REQUIRE(again.ok());
  const auto second = unpacked(archive);
  CHECK_THAT(file_text(second + "agent/status.json"), Catch::StartsWith("cannot be had: "));
  CHECK_THAT(file_text(second + "kernel/objects.txt"), Catch::Contains("route 10.0.0.0/24"));
}

}  // namespace this_file
