#include "agent/preflight/netfilter.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/kernel/command.h"
#include "agent/kernel/netfilter_legacy.h"
#include "agent/kernel/netfilter_nftables.h"
#include "agent/kernel/os_error.h"
#include "agent/preflight/kernel.h"

namespace pellicle {

namespace {

// Extensions that Pellicle's rules use (agent/desired/netfilter.cpp), in both back ends.
constexpr std::array kExtensions = {"xt_CT",     "xt_mark", "xt_connmark",  "xt_conntrack",
                                    "xt_policy", "xt_nat",  "xt_MASQUERADE"};

std::vector<std::string> modules_of(const std::string& backend) {
  if (backend == "iptables-nft") return {"nf_tables", "nft_compat"};
  return {"ip_tables", "iptable_raw", "iptable_mangle", "iptable_nat", "iptable_filter"};
}

// Why it cannot be used; empty: it can, as far as is known.
std::string obstacle(const BackendFacts& backend, const KernelModules& modules) {
  if (!backend.tools) return backend.name + "-save and " + backend.name + "-restore not found";
  for (const auto& name : modules_of(backend.name)) {
    const auto module = modules.find(name);
    if (module.lacking()) return "module " + name + ": " + modules.describe(name, module);
  }
  if (!backend.failure.empty()) return backend.failure;
  return backend.readable ? "" : "this kernel does not have its tables";
}

std::string describe(const BackendWeight& weight) {
  std::string text = std::to_string(weight.rules) + " rules";
  if (weight.kubernetes) text += ", kube-proxy's or the kubelet's among them";
  if (weight.ours) text += ", ours among them";
  return text;
}

Finding judge_extensions(const KernelModules& modules) {
  Finding finding{.topic = kNetfilterTopic, .what = "matches and targets"};
  for (const char* name : kExtensions) {
    auto judged =
        judge_module(modules, kNetfilterTopic, name, "CONFIG_NETFILTER_XTABLES", Verdict::fail);
    if (judged.verdict == Verdict::ok) continue;
    judged.what = finding.what;
    judged.found = std::string(name) + " is " + judged.found;
    return judged;
  }
  for (const char* name : kExtensions) {
    finding.found += (finding.found.empty() ? "" : " ") + std::string(name);
  }
  return finding;
}

}  // namespace

std::vector<BackendFacts> read_backends() {
  LegacyTables legacy;
  Nftables nftables;
  std::vector<BackendFacts> all;
  for (NetfilterBackend* backend : std::initializer_list<NetfilterBackend*>{&nftables, &legacy}) {
    BackendFacts facts{.name = backend->name()};
    facts.tools = backend == &nftables || (find_executable(facts.name + "-save") &&
                                           find_executable(facts.name + "-restore"));
    try {
      facts.readable = facts.tools && backend->look();
      if (backend == &nftables && try_nftables().error == EOPNOTSUPP) {
        facts.failure = "this kernel does not take its chains for IPv4";
      }
      if (facts.readable) backend->count_rules();
      facts.weight = backend->weight();
    } catch (const OsError& error) {
      facts.failure = error.what();
    }
    all.push_back(std::move(facts));
  }
  return all;
}

Findings judge_backends(const std::vector<BackendFacts>& backends, const KernelModules& modules) {
  const BackendFacts* best = nullptr;
  for (const auto& backend : backends) {
    if (!obstacle(backend, modules).empty()) continue;
    if (!best || backend.weight > best->weight) best = &backend;
  }
  Findings findings;
  for (const auto& backend : backends) {
    Finding finding{.topic = kNetfilterTopic, .what = backend.name};
    const auto why = obstacle(backend, modules);
    finding.found = why.empty() ? describe(backend.weight) : "not usable: " + why;
    if (&backend == best) finding.found += "; an agent tries this one first";
    if (!best) {
      finding.verdict = Verdict::fail;
      finding.remedy = (backend.tools ? "" : "install " + backend.name + ", or ") +
                       std::string(
                           "boot a kernel that has its modules: one of the two back ends is "
                           "needed");
    }
    findings.push_back(std::move(finding));
  }
  findings.push_back(judge_extensions(modules));
  return findings;
}

}  // namespace pellicle
