#include "agent/preflight/preflight.h"

#include <algorithm>
#include <cerrno>
#include <functional>

#include "agent/health/paths.h"
#include "agent/kernel/bpf_support.h"
#include "agent/kernel/os_error.h"
#include "agent/preflight/api.h"
#include "agent/preflight/ciphers.h"
#include "agent/preflight/clock.h"
#include "agent/preflight/kernel.h"
#include "agent/preflight/netfilter.h"
#include "agent/preflight/network.h"
#include "agent/preflight/ports.h"
#include "agent/preflight/settings.h"

namespace pellicle {

namespace {

// A check that throws becomes a finding too.
void add_part(Findings& findings, const char* topic, const std::function<Findings()>& look) {
  try {
    append(findings, look());
  } catch (const std::exception& error) {
    findings.push_back({.topic = topic,
                        .what = "all of it",
                        .found = std::string("cannot be looked at: ") + error.what(),
                        .verdict = Verdict::unknown});
  }
}

Findings look_at_netfilter(const Config& config, const KernelModules& modules) {
  if (config.settings.netfilter) return judge_backends(read_backends(), modules);
  return {
      {.topic = kNetfilterTopic, .what = "rules", .found = "none asked for (netfilter = false)"}};
}

Findings look_at_settings(const std::string& uplink) {
  const auto files = read_sysctl_files();
  Findings findings;
  for (const auto& facts : read_settings(uplink)) findings.push_back(judge_setting(facts, files));
  return findings;
}

Findings look_at_ports(const PreflightOptions& options, const Processes& processes) {
  const auto listeners = read_listeners();
  const auto owner = [&](uint64_t inode) {
    const auto pid = owner_of_socket(inode, processes);
    return pid ? process_text(processes, *pid) : std::string();
  };
  Findings findings;
  const auto add = [&](const WantedPort& wanted) {
    findings.push_back(judge_port(wanted, listeners, owner, options.agent_answers));
  };
  if (options.config.cluster_health_interval.count() > 0) {
    add({.what = "TCP " + std::to_string(kClusterHealthPort) + " (health)",
         .address = std::nullopt,
         .port = kClusterHealthPort});
  }
  if (auto wanted = wanted_port(options.config.health_address)) {
    wanted->what += " (metrics)";
    add(*wanted);
  }
  return findings;
}

// A socket of XFRM's alone would load the module.
bool may_ask_xfrm(const KernelModules& modules) {
  const auto state = modules.find("xfrm_user").state;
  return state == ModuleState::loaded || state == ModuleState::built_in ||
         state == ModuleState::unknown;
}

Finding look_at_xfrm(const KernelModules& modules, const Processes& processes) {
  if (!may_ask_xfrm(modules)) return judge_xfrm(std::nullopt, "", processes);
  try {
    return judge_xfrm(others_xfrm(), "", processes);
  } catch (const OsError& error) {
    const bool none = error.error() == EPROTONOSUPPORT;  // then nobody has any
    return judge_xfrm(std::nullopt, none ? "" : error.what(), processes);
  }
}

Findings look_at_network(const Config& config, const KernelModules& modules,
                         const Processes& processes) {
  const auto devices = network_devices();
  Findings findings{judge_uplink(config.settings.uplink, default_device(), devices),
                    judge_cni(config.cni.conf_dir, others_cni_files(config.cni.conf_dir))};
  append(findings, judge_other_networks(devices, processes, has_pinned_maps(config.bpf_root)));
  findings.push_back(look_at_xfrm(modules, processes));
  return findings;
}

Findings look_at_api(const Config& config) {
  try {
    std::string obstacle;
    const auto access =
        agent_access(config.kubeconfig, config.service_host, config.service_port, obstacle);
    if (!access) return {judge_api_skipped(obstacle, Verdict::unknown)};
    return judge_api(access->scheme_host_port, ask_permissions(*access));
  } catch (const AccessError& error) {
    return {judge_api_skipped(error.what(), Verdict::fail)};
  }
}

}  // namespace

Findings preflight(const PreflightOptions& options) {
  const auto& config = options.config;
  const KernelModules modules;
  const auto processes = read_processes();
  Findings findings;
  if (!options.config_problem.empty()) {
    findings.push_back({.topic = kSettingTopic,
                        .what = "the agent's file",
                        .found = options.config_problem,
                        .verdict = Verdict::fail,
                        .remedy = "put that setting right; what follows goes by the defaults"});
  }
  add_part(findings, kKernelTopic, [&] {
    auto all = judge_release(modules.release());
    append(all, judge_modules(modules));
    return all;
  });
  add_part(findings, kCipherTopic, [&] {
    return judge_ciphers({.drivers = parse_crypto(text_of("/proc/crypto")),
                          .processor = read_processor(),
                          .weak = config.allow_weak_algorithms},
                         modules);
  });
  add_part(findings, kBpfTopic, [&] { return judge_bpf(read_bpf(config.bpf_root)); });
  add_part(findings, kNetfilterTopic, [&] { return look_at_netfilter(config, modules); });
  const auto& named = config.settings.uplink;
  add_part(findings, kSettingTopic,
           [&] { return look_at_settings(named.empty() ? default_device() : named); });
  add_part(findings, kPortTopic, [&] { return look_at_ports(options, processes); });
  add_part(findings, kNetworkTopic, [&] { return look_at_network(config, modules, processes); });
  add_part(findings, kClockTopic, [] { return Findings{judge_clock(read_clock(), build_year())}; });
  add_part(findings, kApiTopic, [&] { return look_at_api(config); });
  return findings;
}

nlohmann::ordered_json preflight_json(const Findings& findings, const std::string& release) {
  auto all = nlohmann::ordered_json::array();
  Verdict worst = Verdict::ok;
  for (const auto& finding : findings) {
    worst = std::max(worst, finding.verdict);
    nlohmann::ordered_json entry{{"topic", finding.topic},
                                 {"what", finding.what},
                                 {"found", finding.found},
                                 {"verdict", verdict_name(finding.verdict)}};
    if (!finding.remedy.empty()) entry["remedy"] = finding.remedy;
    all.push_back(std::move(entry));
  }
  auto counts = nlohmann::ordered_json::object();
  for (const auto verdict : {Verdict::ok, Verdict::unknown, Verdict::warn, Verdict::fail}) {
    counts[verdict_name(verdict)] = count(findings, verdict);
  }
  return {{"kernel", release},
          {"verdict", verdict_name(worst)},
          {"hopeless", any_hopeless(findings)},
          {"counts", counts},
          {"findings", all}};
}

}  // namespace pellicle
