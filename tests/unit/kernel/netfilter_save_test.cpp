#include "agent/kernel/netfilter_save.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

std::optional<std::string> refuses_all_of(const std::string& rules) {
  const auto tables =
      parse_save("*filter\n:FORWARD ACCEPT [0:0]\n:KUBE-FORWARD - [0:0]\n" + rules + "COMMIT\n");
  return refuses_all(tables.at("filter"));
}

}  // namespace

TEST_CASE("a rule of FORWARD that refuses every packet is found ahead of our chain") {
  const std::string ours = "-A FORWARD -j PELLICLE_FORWARD\n";
  const std::string kube = "-A FORWARD -m comment --comment \"kube -j ACCEPT\" -j KUBE-FORWARD\n";
  const std::string reject = "-j REJECT --reject-with icmp-host-prohibited";
  CHECK(refuses_all_of(kube + "-A FORWARD " + reject + "\n" + ours) == reject);
  CHECK(refuses_all_of("-A FORWARD -j DROP\n") == "-j DROP");
  for (const std::string comment : {"wall", "\"the wall\""}) {
    const std::string rule = "-m comment --comment " + comment + " -j DROP";
    CHECK(refuses_all_of("-A FORWARD " + rule + "\n" + ours) == rule);
  }
  const std::string answers = "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n";
  CHECK(refuses_all_of(answers + "-A FORWARD -j DROP\n" + ours) == "-j DROP");
  const std::string ports = "-A FORWARD -p tcp ?transport -j ACCEPT\n";
  CHECK(refuses_all_of(ports + "-A FORWARD -j DROP\n" + ours) == "-j DROP");
}

TEST_CASE("what refuses some packets, or stands behind what accepts, is not named") {
  for (const std::string rules :
       {"", "-A FORWARD -i eth1 -j DROP\n", "-A FORWARD -m mark --mark 0x8000 -j REJECT\n",
        "-A FORWARD -j ACCEPT\n-A FORWARD -j DROP\n", "-A FORWARD -j DROPS\n",
        "-A FORWARD -s 10.0.0.0/16 -j ACCEPT\n-A FORWARD -j DROP\n",
        "-A FORWARD -m comment --comment \"-j DROP\" -j LOG\n", "-A KUBE-FORWARD -j DROP\n",
        "-A FORWARD ?lookup -j ACCEPT\n-A FORWARD -j DROP\n", "-A FORWARD ?ct -j DROP\n"}) {
    CAPTURE(rules);
    CHECK(refuses_all_of(rules) == std::nullopt);
  }
}

}  // namespace this_file
