#include "agent/kernel/pods_in_kernel.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>
#include <string>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/netlink_socket.h"

namespace pellicle {

namespace {

// Of the devices with our alias.
std::map<std::string, std::string> pod_names() {
  NetlinkSocket socket(NETLINK_ROUTE);
  std::map<std::string, std::string> names;
  const std::string ours = kPodAlias;
  socket.dump(link_dump(), [&](const nlmsghdr& part) -> std::optional<bool> {
    const Attributes attributes(part, sizeof(ifinfomsg));
    const auto alias = attributes.text(IFLA_IFALIAS);
    if (alias.starts_with(ours)) names[attributes.text(IFLA_IFNAME)] = alias.substr(ours.size());
    return std::nullopt;
  });
  return names;
}

}  // namespace

std::vector<Endpoint> pods_in_kernel(const KernelState& actual) {
  const auto names = pod_names();
  std::vector<Endpoint> pods;
  for (const auto& [key, entry] : actual.endpoints) {
    const auto name = names.find(entry.device);
    if (name == names.end()) continue;
    const auto same = std::find_if(pods.begin(), pods.end(), [&entry = entry](const Endpoint& pod) {
      return pod.device == entry.device;
    });
    if (same != pods.end()) {  // its other family; IPv4 stands first in the table
      same->addresses.push_back(key.address);
      continue;
    }
    pods.push_back({.id = "",
                    .name = name->second,
                    .network = "",
                    .device = entry.device,
                    .addresses = {key.address},
                    .pod_mac = entry.pod_mac,
                    .host_mac = entry.host_mac,
                    .netns = "",
                    .egress_shaped = !actual.attachments.contains({entry.device, true})});
  }
  const auto link_local = Cidr::parse("fe80::/10").value();  // its own, which it need not ask for
  for (const auto& [key, source] : actual.sources) {
    const auto pod = std::find_if(pods.begin(), pods.end(), [&key = key](const Endpoint& each) {
      return each.device == key.device;
    });
    if (pod != pods.end() && !link_local.contains(key.cidr.address()))
      pod->wanted_sources.push_back(key.cidr);
  }
  return pods;
}

}  // namespace pellicle
