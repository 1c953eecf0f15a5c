#include "agent/preflight/network.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "agent/cni/installation.h"
#include "agent/desired/desired.h"

namespace pellicle {

namespace {

constexpr const char* kCilium = "Cilium";

// The packet size that every IPv6 link must carry, in bytes (RFC 8200, section 5).
constexpr uint32_t kLeastPodMtu = 1280;

struct Others {
  const char* device;  // a prefix
  const char* of;
};
constexpr std::array kDevices = {
    Others{"cilium_vxlan", kCilium}, Others{"cilium_geneve", kCilium},
    Others{"cilium_wg", kCilium},    Others{"flannel", "Flannel"},
    Others{"cali", "Calico"},        Others{"vxlan.calico", "Calico"},
    Others{"weave", "Weave Net"},    Others{"antrea-gw", "Antrea"},
    Others{"ovn-k8s-mp", "OVN"},     Others{"kube-bridge", "kube-router"},
};
constexpr std::array kDaemons = {Others{"cilium-agent", kCilium}, Others{"flanneld", "Flannel"},
                                 Others{"calico-node", "Calico"}, Others{"antrea-agent", "Antrea"}};

// Processes of programs that install XFRM states: strongSwan, Libreswan, racoon, OpenIKED.
constexpr std::array kKeyDaemons = {"charon", "charon-systemd", "pluto", "racoon", "iked"};

const NetworkDevice* find(const std::vector<NetworkDevice>& devices, const std::string& name) {
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [&](const auto& device) { return device.name == name; });
  return found == devices.end() ? nullptr : &*found;
}

uint32_t usual_pod_mtu(uint32_t uplink) {
  const Aead usual{.name = "rfc4106(gcm(aes))", .key = {}, .icv_bits = 128};
  return inner_mtu(uplink, usual, Family::v4);
}

Finding judge_mtu(Finding finding, const NetworkDevice& device) {
  const auto inside = usual_pod_mtu(device.mtu);
  finding.found += device.name + ", MTU " + std::to_string(device.mtu) + ", of which pods have " +
                   std::to_string(inside);
  if (inside >= kLeastPodMtu) return finding;
  finding.verdict = Verdict::warn;
  finding.remedy = "raise the MTU: IPv6 pods send packets of 1280 bytes, which are cut in two here";
  return finding;
}

}  // namespace

std::string parse_default_device(const std::string& route) {
  std::istringstream lines(route);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string device, destination, skipped, mask;
    words >> device >> destination;
    for (int i = 0; i < 5; ++i) words >> skipped;  // gateway, flags, refcount, use, metric
    words >> mask;
    if (words && destination == "00000000" && mask == "00000000") return device;
  }
  return "";
}

// Ends with its device; the kernel's own unreachable one is on lo.
std::string parse_default_device6(const std::string& routes) {
  std::istringstream lines(routes);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string destination, length, word, device;
    words >> destination >> length;
    while (words >> word) device = word;
    const bool all = destination.find_first_not_of('0') == std::string::npos && length == "00";
    if (all && !device.empty() && device != "lo") return device;
  }
  return "";
}

std::string default_device() {
  const auto device = parse_default_device(text_of("/proc/thread-self/net/route"));
  return device.empty() ? parse_default_device6(text_of("/proc/thread-self/net/ipv6_route"))
                        : device;
}

Finding judge_uplink(const std::string& named, const std::string& by_route,
                     const std::vector<NetworkDevice>& devices) {
  Finding finding{.topic = kNetworkTopic, .what = "uplink"};
  const auto& name = named.empty() ? by_route : named;
  if (const auto* device = find(devices, name)) return judge_mtu(std::move(finding), *device);
  if (named.empty()) {
    finding.found = "no default route says which device it is";
    finding.verdict = Verdict::unknown;
    finding.remedy = "nothing, if a device has this Node's InternalIP: the agent takes that one";
    return finding;
  }
  finding.found = "there is no device " + named;
  finding.verdict = Verdict::fail;
  finding.remedy = "name one that exists by the setting uplink, or none";
  return finding;
}

Finding judge_cni(const std::string& folder, const std::vector<std::string>& files) {
  Finding finding{.topic = kNetworkTopic, .what = "CNI", .found = "no other plugin in " + folder};
  if (folder.empty()) finding.found = "nothing is installed: cni-conf-dir is empty";
  if (files.empty()) return finding;
  finding.found = folder + " has " + files.front();
  if (files.size() > 1) finding.found += " and " + std::to_string(files.size() - 1) + " more";
  if (files.front() < kConflistName) {
    finding.found += std::string(", ahead of ") + kConflistName +
                     ": the container runtime gives pods to that plugin";
    finding.verdict = Verdict::fail;
    finding.remedy = "take that file away and do away with the plugin that puts it there";
    return finding;
  }
  finding.found += std::string(", behind ") + kConflistName;
  finding.verdict = Verdict::warn;
  finding.remedy =
      "take it away: before Pellicle is installed, and after it went, pods are given to that "
      "plugin";
  return finding;
}

Findings judge_other_networks(const std::vector<NetworkDevice>& devices, const Processes& processes,
                              bool programmed) {
  Findings findings;
  const auto add = [&](const char* of, const std::string& sign, Verdict verdict) {
    findings.push_back({.topic = kNetworkTopic,
                        .what = "another network",
                        .found = sign + " of " + of,
                        .verdict = verdict,
                        .remedy = std::string("stop ") + of +
                                  " on this node and take away what it made, or reboot the node"});
  };
  for (const auto& [name, of] : kDaemons) {
    const auto pid = find_process(processes, name);
    if (pid) add(of, "the process " + process_text(processes, *pid), Verdict::fail);
  }
  for (const auto& [prefix, of] : kDevices) {
    const auto found = std::find_if(
        devices.begin(), devices.end(),
        [&, start = prefix](const auto& device) { return device.name.starts_with(start); });
    if (found != devices.end()) add(of, "the device " + found->name, Verdict::warn);
  }
  if (!programmed && find(devices, kHostDevice)) {
    add(kCilium, std::string("the device ") + kHostDevice, Verdict::warn);
  }
  if (!findings.empty()) return findings;
  return {{.topic = kNetworkTopic, .what = "another network", .found = "none seen"}};
}

Finding judge_xfrm(const std::optional<OthersXfrm>& xfrm, const std::string& obstacle,
                   const Processes& processes) {
  Finding finding{.topic = kNetworkTopic, .what = "others' XFRM", .found = "none"};
  std::string who;
  for (const char* name : kKeyDaemons) {
    const auto pid = find_process(processes, name);
    if (pid && who.empty()) who = process_text(processes, *pid);
  }
  if (!xfrm && !obstacle.empty()) {
    finding.found = obstacle;
    finding.verdict = Verdict::unknown;
    finding.remedy = "run this as root";
  }
  const bool any = xfrm && (xfrm->states > 0 || xfrm->policies > 0);
  if (any) {
    finding.found = "not ours: states " + std::to_string(xfrm->states) + ", policies " +
                    std::to_string(xfrm->policies);
  }
  if (!who.empty()) finding.found += "; " + who + " runs";
  if (!any && who.empty()) return finding;
  finding.verdict = Verdict::warn;
  finding.remedy =
      "see that none of its policies is for pods' networks, and that it never flushes XFRM";
  return finding;
}

}  // namespace pellicle
