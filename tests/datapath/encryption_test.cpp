// Three agents, pods on every node: traffic between nodes is ESP and nothing else.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {}  // namespace

TEST_CASE("every pod reaches every pod by ping and HTTP, and no packet is in the clear") {
  Lab lab;
  lab.start_agents();
  add_seed_pods(lab);
  for (const SeedPod& from : kSeedPods) {
    for (const SeedPod& to : kSeedPods) {
      if (from.name == to.name) continue;
      CAPTURE(from.name, to.name);
      const Result ping = lab.ping(from.name, to.address);
      CAPTURE(ping.output);
      CHECK(ping.ok());
      const Result page = lab.http_get(from.name, std::string("http://") + to.address + "/");
      CHECK(page.output == to.page());
    }
  }
  CHECK(lab.cleartext().empty());
  const auto wire = lab.network().wire();
  CHECK(std::count_if(wire.begin(), wire.end(),
                      [](const Packet& packet) { return packet.protocol == 50; }) > 0);
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a ping shows on cilium_host, cilium_net and eth0 as the seed's captures do") {
  Lab lab({.key_line = api::kSeedKeyLine});
  lab.start_agents();
  add_seed_pods(lab);
  REQUIRE(lab.ping("net", "10.0.0.249").ok());
  Capture& host = lab.capture("worker", "cilium_host", "esp");
  Capture& net = lab.capture("worker", "cilium_net", "esp");
  Capture& eth0 = lab.capture("worker", "eth0", "esp");
  REQUIRE(lab.ping("net", "10.0.0.249", 2).ok());

  const std::map<std::string, std::string> names{{lab.mac_of("worker", "cilium_host"), "HOST"},
                                                 {"02:42:ac:12:00:03", "WORKER"},
                                                 {"02:42:ac:12:00:04", "WORKER2"}};
  const std::string out = "10.0.1.138 > 10.0.0.40: ESP(spi=0x00000003,seq=N), length 120\n";
  const std::string in = "10.0.0.40 > 10.0.1.138: ESP(spi=0x00000003,seq=N), length 120\n";
  const std::string ethernet = ", ethertype IPv4 (0x0800), length 154: ";
  const std::string host_line = "HOST > HOST" + ethernet + out;
  CHECK(normalised(host.text(), names) == host_line + host_line);
  CHECK(normalised(net.text(), names) == host_line + host_line);
  const std::string pair = "WORKER > WORKER2" + ethernet + out + "WORKER2 > WORKER" + ethernet + in;
  CHECK(normalised(eth0.text(), names) == pair + pair);

  const std::string key = "000102030405060708090a0b0c0d0e0f10111213";
  const std::string inner =
      decrypted(eth0.path(), {{"10.0.1.138", "10.0.0.40", "0x00000003", key},
                              {"10.0.0.40", "10.0.1.138", "0x00000003", key}});
  CAPTURE(inner);
  CHECK(inner.find("10.0.1.52 → 10.0.0.249") != std::string::npos);
  CHECK(inner.find("Echo (ping) request") != std::string::npos);
  CHECK(inner.find("10.0.0.249 → 10.0.1.52") != std::string::npos);
  CHECK(inner.find("Echo (ping) reply") != std::string::npos);
}

}  // namespace this_file
