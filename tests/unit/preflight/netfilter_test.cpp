#include "agent/preflight/netfilter.h"

#include "tests/harness/catch.h"
#include "tests/harness/module_host.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

const std::string kFolder = "kernel/net/netfilter/";

struct UsualHost : ModuleHost {
  UsualHost() {
    for (const char* name :
         {"nf_tables", "nft_compat", "ip_tables", "iptable_raw", "iptable_mangle", "iptable_nat",
          "iptable_filter", "xt_CT", "xt_mark", "xt_connmark", "xt_conntrack", "xt_policy",
          "xt_nat", "xt_MASQUERADE"}) {
      loadable(kFolder + name + ".ko");
    }
  }
};

BackendFacts nft() {
  return {.name = "iptables-nft", .tools = true, .readable = true, .weight = {.is_default = true}};
}
BackendFacts legacy() {
  return {.name = "iptables-legacy", .tools = true, .readable = true, .weight = {.rules = 3}};
}

}  // namespace

TEST_CASE("preflight: the better back end is said to be taken, as the agent takes it") {
  const auto findings = judge_backends({nft(), legacy()}, UsualHost().modules());
  REQUIRE(findings.size() == 3);
  CHECK(findings[0].found == "0 rules");
  CHECK(findings[1].found == "3 rules; an agent tries this one first");
  CHECK(count(findings, Verdict::ok) == 3);
  auto kubernetes = nft();
  kubernetes.weight.kubernetes = true;
  CHECK(judge_backends({kubernetes, legacy()}, UsualHost().modules())[0].found ==
        "0 rules, kube-proxy's or the kubelet's among them; an agent tries this one first");
}

TEST_CASE("preflight: one back end is enough, and without any nothing works") {
  UsualHost host;
  host.remove("/lib/modules/6.1.0-57-amd64/" + kFolder + "iptable_nat.ko");
  const auto one = judge_backends({nft(), legacy()}, host.modules());
  CHECK(one[0].found == "0 rules; an agent tries this one first");
  CHECK_THAT(one[1].found, Contains("not usable: module iptable_nat: missing"));
  CHECK_FALSE(any_fails(one));
  host.remove("/lib/modules/6.1.0-57-amd64/" + kFolder + "nft_compat.ko");
  auto without = legacy();
  without.tools = false;
  const auto none = judge_backends({nft(), without}, host.modules());
  CHECK(count(none, Verdict::fail) == 2);
  CHECK_THAT(none[0].found, Contains("not usable: module nft_compat: missing"));
  CHECK_THAT(none[0].remedy, Contains("boot a kernel") && !Contains("install"));
  CHECK(none[1].found == "not usable: iptables-legacy-save and iptables-legacy-restore not found");
  CHECK_THAT(none[1].remedy, Contains("install iptables-legacy, or boot a kernel"));
  auto unreadable = nft();
  unreadable.readable = false;
  CHECK_THAT(judge_backends({unreadable}, UsualHost().modules())[0].found,
             Contains("this kernel does not have its tables"));
}

TEST_CASE("preflight: a match or target that is missing or forbidden fails") {
  UsualHost host;
  host.write("/etc/modprobe.d/a.conf", "install xt_policy /bin/true\n");
  const auto findings = judge_backends({nft()}, host.modules());
  CHECK(findings.back().verdict == Verdict::fail);
  CHECK_THAT(findings.back().found, Contains("xt_policy is /etc/modprobe.d/a.conf, line 1"));
}

}  // namespace this_file
