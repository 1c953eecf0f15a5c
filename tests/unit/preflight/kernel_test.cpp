#include "agent/preflight/kernel.h"

#include <cerrno>

#include "tests/harness/catch.h"
#include "tests/harness/module_host.h"

namespace this_file {

using namespace pellicle;
using Catch::Matchers::Contains;

namespace {

Finding of(const Findings& findings, const std::string& what) {
  for (const auto& finding : findings) {
    if (finding.what == what) return finding;
  }
  FAIL("nothing is found of " << what);
  return {};
}

struct UsualHost : ModuleHost {
  UsualHost() {
    loaded("xfrm_user");
    built_in("kernel/drivers/net/veth.ko");
    for (const char* file : {"kernel/net/ipv6/esp6.ko", "kernel/net/ipv4/esp4.ko",
                             "kernel/net/sched/sch_ingress.ko", "kernel/net/sched/cls_bpf.ko"}) {
      loadable(file);
    }
  }
};

}  // namespace

TEST_CASE("preflight: a kernel with all modules is ready") {
  const auto findings = judge_modules(UsualHost().modules());
  CHECK(findings.size() == 6);
  CHECK(count(findings, Verdict::ok) == 6);
  CHECK_FALSE(any_hopeless(findings));
}

TEST_CASE("preflight: a module that modprobe.d forbids fails with file, line and remedy") {
  UsualHost host;
  host.write("/etc/modprobe.d/esp.conf", "# May 2026\ninstall esp4 /bin/false\n");
  const auto findings = judge_modules(host.modules());
  const auto esp4 = of(findings, "module esp4");
  CHECK(esp4.verdict == Verdict::fail);
  CHECK_THAT(esp4.found, Contains("/etc/modprobe.d/esp.conf, line 2, forbids the module esp4"));
  CHECK_THAT(esp4.found, Contains("CVE-2026-43284"));
  CHECK(esp4.remedy == "take that line away on the host and run `modprobe esp4`");
  CHECK_FALSE(any_hopeless(findings));  // it can be put right
  CHECK(of(findings, "module esp6").verdict == Verdict::ok);
}

TEST_CASE("preflight: a loaded module that is forbidden is a warning for the next boot") {
  UsualHost host;
  host.write("/etc/modprobe.d/x.conf", "blacklist xfrm_user\n");
  const auto found = of(judge_modules(host.modules()), "module xfrm_user");
  CHECK(found.verdict == Verdict::warn);
  CHECK_THAT(found.found, Contains("from the next boot on /etc/modprobe.d/x.conf, line 1"));
}

TEST_CASE("preflight: a kernel without IPv6's ESP can do IPv4's, one without either nothing") {
  UsualHost host;
  host.remove("/lib/modules/6.1.0-57-amd64/kernel/net/ipv6");
  auto findings = judge_modules(host.modules());
  CHECK(of(findings, "module esp6").verdict == Verdict::warn);
  CHECK_FALSE(any_fails(findings));
  host.remove("/lib/modules/6.1.0-57-amd64/kernel/net/ipv4");
  findings = judge_modules(host.modules());
  CHECK(of(findings, "module esp4").verdict == Verdict::fail);
  CHECK_THAT(of(findings, "module esp4").remedy, Contains("CONFIG_INET_ESP"));
  CHECK(any_hopeless(findings));
}

TEST_CASE(
    "preflight: where the modules' lists cannot be read nothing fails and nothing is hopeless") {
  UsualHost host;
  host.remove("/lib/modules");
  const auto findings = judge_modules(host.modules());
  CHECK(of(findings, "module esp4").verdict == Verdict::unknown);
  CHECK(of(findings, "module xfrm_user").verdict == Verdict::ok);
  CHECK_FALSE(any_fails(findings));
  CHECK_FALSE(any_hopeless(findings));
}

TEST_CASE("preflight: modules that may not be loaded any more are to be loaded at the boot") {
  UsualHost host;
  host.write("/proc/sys/kernel/modules_disabled", "1\n");
  const auto cls = of(judge_modules(host.modules()), "module cls_bpf");
  CHECK(cls.verdict == Verdict::fail);
  CHECK_THAT(cls.remedy, Contains("when the node boots"));
}

TEST_CASE("preflight: the release and whether it has the fix") {
  const auto mended = judge_release("6.12.90");
  CHECK(count(mended, Verdict::ok) == 2);
  CHECK(of(judge_release("6.12.86"), "CVE-2026-43284").verdict == Verdict::warn);
  CHECK_THAT(of(judge_release("6.12.86"), "CVE-2026-43284").remedy, Contains("6.12.87"));
  CHECK(of(judge_release("6.1.0-57-amd64"), "CVE-2026-43284").verdict == Verdict::unknown);
  CHECK(of(judge_release("6.1.0-57-amd64"), "release").verdict == Verdict::ok);
  CHECK(of(judge_release("5.4.0-200-generic"), "release").verdict == Verdict::warn);
  CHECK(of(judge_release("5.10.0-37-amd64"), "release").verdict == Verdict::ok);
  CHECK(of(judge_release("plan9"), "release").verdict == Verdict::unknown);
}

TEST_CASE("preflight: what the kernel says to the programs decides") {
  const auto verdict = [](int error) {
    return of(judge_bpf({.programs = {error, "load the eBPF programs: words"}, .tcx = true}),
              "programs");
  };
  CHECK(verdict(0).verdict == Verdict::ok);
  CHECK(verdict(EPERM).verdict == Verdict::unknown);
  CHECK(verdict(EINVAL).verdict == Verdict::fail);
  CHECK(verdict(EINVAL).found == "load the eBPF programs: words");
  CHECK_FALSE(verdict(EINVAL).hopeless);
  CHECK(verdict(ENOSYS).hopeless);
}

TEST_CASE("preflight: tcx, the bpf file system and lockdown") {
  const BpfFacts good{
      .programs = {}, .tcx = false, .pin_obstacle = {}, .lockdown = "[none] integrity"};
  CHECK(count(judge_bpf(good), Verdict::ok) == 4);
  CHECK_THAT(of(judge_bpf(good), "tcx").found, Contains("from Linux 6.6 on"));
  const BpfFacts bad{.programs = {},
                     .tcx = std::nullopt,
                     .pin_obstacle = "/sys/fs/bpf is not on a bpf file system",
                     .lockdown = "none integrity [confidentiality]"};
  const auto findings = judge_bpf(bad);
  CHECK(of(findings, "tcx").verdict == Verdict::unknown);
  CHECK(of(findings, "maps").verdict == Verdict::fail);
  CHECK(of(findings, "maps").found == *bad.pin_obstacle);
  CHECK(of(findings, "lockdown").verdict == Verdict::warn);
}

}  // namespace this_file
