#include "agent/preflight/kernel.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "agent/kernel/bpf_support.h"
#include "agent/kernel/kernel_fix.h"

namespace pellicle {

namespace {

// The oldest kernel whose verifier is known to take the programs (tests/harness/guest/README.md).
constexpr std::pair kOldest(5U, 10U);

struct Need {
  const char* module;
  const char* option;
  Verdict lacking;
};
constexpr std::array kNeeds = {
    Need{"xfrm_user", "CONFIG_XFRM_USER", Verdict::fail},
    Need{"esp4", "CONFIG_INET_ESP", Verdict::fail},
    Need{"esp6", "CONFIG_INET6_ESP", Verdict::warn},  // nothing but IPv6 needs it
    Need{"veth", "CONFIG_VETH", Verdict::fail},
    Need{"sch_ingress", "CONFIG_NET_SCH_INGRESS", Verdict::fail},
    Need{"cls_bpf", "CONFIG_NET_CLS_BPF", Verdict::fail},
};

constexpr const char* kDefect =
    " the fix of this defect of ESP, because of which distributions forbade esp4 in May 2026";

Finding judge_fix(const std::string& release) {
  Finding finding{.topic = kKernelTopic, .what = kEspDefect};
  switch (has_esp_fix(release)) {
    case HasFix::yes:
      finding.found = "the kernel has the fix";
      break;
    case HasFix::no:
      finding.verdict = Verdict::warn;
      finding.found = std::string("the kernel does not have") + kDefect;
      finding.remedy = "boot a kernel with the fix: " + esp_fix_releases();
      break;
    case HasFix::unknown:
      finding.verdict = Verdict::unknown;
      finding.found =
          std::string("it is not known whether this branch or vendor's kernel has") + kDefect;
      finding.remedy = "look for " + std::string(kEspDefect) + " in the vendor's list of changes";
  }
  return finding;
}

bool is_missing(const KernelModules& modules, const char* name) {
  return modules.find(name).state == ModuleState::missing;
}

Finding judge_programs(const Outcome& programs) {
  Finding finding{.topic = kBpfTopic, .what = "programs", .found = "the kernel takes all of them"};
  if (programs.ok()) return finding;
  finding.found = programs.sentence;
  if (programs.error == EPERM) {
    finding.verdict = Verdict::unknown;
    finding.remedy = "run this as root";
    return finding;
  }
  finding.verdict = Verdict::fail;
  finding.hopeless = programs.error == ENOSYS;
  finding.remedy = finding.hopeless ? "boot a kernel with CONFIG_BPF_SYSCALL"
                                    : "boot a kernel that takes them: 5.10 and later do, with "
                                      "CONFIG_BPF_SYSCALL and CONFIG_BPF_JIT";
  return finding;
}

Finding judge_tcx(const std::optional<bool>& tcx) {
  if (!tcx) {
    return {.topic = kBpfTopic,
            .what = "tcx",
            .found = "cannot be asked without CAP_BPF and CAP_NET_ADMIN",
            .verdict = Verdict::unknown,
            .remedy = "run this as root"};
  }
  return {.topic = kBpfTopic,
          .what = "tcx",
          .found = *tcx ? "there: where another owner's program runs ahead of ours, ours moves "
                          "ahead of it"
                        : "not in this kernel (from Linux 6.6 on): programs are filters of clsact"};
}

}  // namespace

Findings judge_release(const std::string& release) {
  Finding finding{.topic = kKernelTopic, .what = "release", .found = release};
  std::pair<unsigned, unsigned> own;
  if (std::sscanf(release.c_str(), "%u.%u", &own.first, &own.second) != 2) {
    finding.verdict = Verdict::unknown;
    finding.remedy = "see that it is Linux 5.10 or later";
  } else if (own < kOldest) {
    finding.verdict = Verdict::warn;
    finding.remedy = "boot Linux 5.10 or later: with none before has this been tried";
  }
  return {finding, judge_fix(release)};
}

Finding judge_module(const KernelModules& modules, const std::string& topic,
                     const std::string& name, const std::string& option, Verdict lacking) {
  const auto module = modules.find(name);
  Finding finding{
      .topic = topic, .what = "module " + name, .found = modules.describe(name, module)};
  if (module.there() && !module.block) return finding;
  if (module.state == ModuleState::unknown) {
    finding.verdict = Verdict::unknown;
    finding.remedy = "look on the host with `modprobe -n -v " + name + "`";
  } else if (module.block) {
    finding.verdict = module.there() ? Verdict::warn : lacking;
    finding.remedy = unblock_remedy(name);
  } else {
    finding.verdict = lacking;
    finding.remedy =
        module.state == ModuleState::locked
            ? "load " + name + " when the node boots, before kernel.modules_disabled is set"
            : module_remedy(name, option);
  }
  return finding;
}

Findings judge_modules(const KernelModules& modules) {
  const bool no_esp = is_missing(modules, "esp4") && is_missing(modules, "esp6");
  Findings findings;
  for (const auto& [name, option, lacking] : kNeeds) {
    auto finding = judge_module(modules, kKernelTopic, name, option, lacking);
    const std::string module = name;
    finding.hopeless =
        (module == "xfrm_user" && is_missing(modules, name)) || (module == "esp4" && no_esp);
    findings.push_back(std::move(finding));
  }
  return findings;
}

Findings judge_bpf(const BpfFacts& facts) {
  Findings findings{judge_programs(facts.programs), judge_tcx(facts.tcx)};
  Finding pins{.topic = kBpfTopic, .what = "maps", .found = "can be pinned"};
  if (facts.pin_obstacle) {
    pins.found = *facts.pin_obstacle;
    pins.verdict = Verdict::fail;
    pins.remedy = "mount it there, or leave bpf.autoMount of the chart on";
  }
  findings.push_back(std::move(pins));
  if (facts.lockdown.empty()) return findings;
  Finding lockdown{.topic = kBpfTopic, .what = "lockdown", .found = facts.lockdown};
  if (facts.lockdown.find("[confidentiality]") != std::string::npos) {
    lockdown.verdict = Verdict::warn;
    lockdown.remedy =
        "boot with lockdown=integrity: now the kernel withholds key bytes, and a peer that "
        "rebooted is not seen to need another key";
  }
  findings.push_back(std::move(lockdown));
  return findings;
}

BpfFacts read_bpf(const std::string& bpf_root) {
  BpfFacts facts{
      .programs = try_programs(), .tcx = has_tcx(), .pin_obstacle = pin_obstacle(bpf_root)};
  std::ifstream lockdown("/sys/kernel/security/lockdown");
  std::getline(lockdown, facts.lockdown);
  return facts;
}

}  // namespace pellicle
