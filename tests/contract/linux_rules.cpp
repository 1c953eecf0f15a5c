// The rules of a real kernel: Pellicle's, foreign ones, and the position of `lookup local`.
#include <linux/rtnetlink.h>

#include "tests/contract/linux_announcements.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

TEST_CASE("a rule with our mark that selects by more is left, also when it stands before ours") {
  const LinuxSite site;
  shell("ip rule add pref 1 fwmark 0xd00/0xf00 iif eth0 lookup 200");
  const auto kernel = site.start_agent();
  CHECK(kernel->dump().rules.empty());
  require_pass(*kernel, worker_state(*kernel));
  const auto refusals = kernel->apply(plan({}, kernel->dump()));
  REQUIRE(refusals.size() == 1);
  CHECK_THAT(refusals[0].sentence, Contains("somebody else"));
  CHECK_THAT(shell("ip rule"), Contains("0xd00/0xf00 iif eth0 lookup 200"));
}

TEST_CASE("`lookup local` moves, is moved back at cleanup, and is never missing") {
  const LinuxSite site;
  const auto before = shell("ip rule");
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  shell("ip rule add pref 0 lookup local && ip rule add pref 55 lookup local");
  CHECK(kernel->dump().local_rules.at({Family::v4}).priorities == std::set<uint32_t>{0, 55, 100});
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
  shell("ip rule del pref 100");
  require_pass(*kernel, desired);
  require_pass(*kernel, {});
  CHECK(shell("ip rule") == before);
}

TEST_CASE(
    "rules carry the origin that systemd-networkd leaves alone, and `ip rule` does not show it") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));
  CHECK(shell("ip -d rule") ==
        "1:\tfrom all fwmark 0xd00/0xf00 lookup 200 proto kernel\n"
        "1:\tfrom all fwmark 0xe00/0xf00 lookup 200 proto kernel\n"
        "2:\tfrom 10.0.1.138 ipproto esp lookup main proto kernel\n"
        "3:\tfrom 10.0.1.0/24 lookup 214 proto kernel\n"
        "100:\tfrom all lookup local proto kernel\n"
        "101:\tfrom all iif lo ipproto icmp lookup 214 proto kernel\n"
        "32766:\tfrom all lookup main proto kernel\n"
        "32767:\tfrom all lookup default proto kernel\n");
  CHECK(shell("ip rule").find("proto kernel") == std::string::npos);
}

TEST_CASE("rules of an agent that gave them no origin are replaced, each by another made before") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  const auto ours = shell("ip -d rule");
  const char* const old =
      "ip rule add pref 100 lookup local; "
      "ip rule add pref 1 fwmark 0xd00/0xf00 lookup 200; "
      "ip rule add pref 1 fwmark 0xe00/0xf00 lookup 200 proto boot; ";
  const bool beside = GENERATE(false, true);  // the rules of both agents exist
  CAPTURE(beside);
  shell(std::string(old) + (beside ? ""
                                   : "ip rule del pref 100 proto kernel lookup local; "
                                     "ip rule del pref 1 fwmark 0xd00/0xf00 proto kernel; "
                                     "ip rule del pref 1 fwmark 0xe00/0xf00 proto kernel"));
  REQUIRE(shell("ip -d rule") != ours);
  CHECK(plan(desired, kernel->dump()).size() == 3);
  Announcements heard(NETLINK_ROUTE, group_bit(RTNLGRP_IPV4_RULE));
  require_pass(*kernel, desired);
  // No rule is deleted before its replacement exists.
  int more = beside ? 3 : 0;
  for (const auto type : heard.heard()) {
    more += type == RTM_NEWRULE ? 1 : -1;
    CHECK(more >= 0);
  }
  require_quiet(*kernel, desired);
  CHECK(shell("ip -d rule | sort") == shell("printf '" + ours + "' | sort"));
  require_pass(*kernel, {});
  CHECK(shell("ip rule") ==
        "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n"
        "32767:\tfrom all lookup default\n");
}

TEST_CASE("what needs no knowledge of the cluster is put right without it") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto keep = [&] {
    const auto actual = kernel->dump();
    require_pass(*kernel, kept(actual));
    require_quiet(*kernel, kept(kernel->dump()));
  };
  shell("ip rule del pref 0");  // a node on which Pellicle has nothing
  keep();
  CHECK_THAT(shell("ip rule"), Contains("0:\tfrom all lookup local\n") && !Contains("fwmark"));
  CHECK(kernel->dump().block_policies == worker_state(*kernel).block_policies);

  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  shell("ip rule del pref 1; ip rule del pref 1; ip rule del pref 100; ip xfrm policy flush");
  keep();
  const auto left = plan(desired, kernel->dump());
  for (const auto& operation : left) CHECK(std::holds_alternative<Change<Policy>>(operation));
  CHECK(kernel->dump().block_policies == desired.block_policies);
}

}  // namespace this_file
