#include "agent/desired/desired.h"

#include <cassert>

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

FamilyView family_view(const Inputs& inputs, const Cluster& cluster, const OwnNetwork& own) {
  const auto& settings = inputs.settings;
  const auto family = own.router.family();
  const auto of_family = [&](const auto& all, const auto& family_of) {
    auto some = all;
    std::erase_if(some, [&](const auto& each) { return family_of(each) != family; });
    return some;
  };
  const auto cidr_family = [](const Cidr& cidr) { return cidr.family(); };
  std::vector<std::reference_wrapper<const Peer>> peers;
  for (const auto& peer : cluster.peers) {
    if (peer.router.family() == family) peers.emplace_back(peer);
  }
  return {.local_cidr = own.pod_cidr,
          .router = own.router,
          .address = cluster.self->internal_ip(family),
          .peers = std::move(peers),
          .unready = of_family(cluster.unready, cidr_family),
          .held = of_family(inputs.held, cidr_family),
          .strict_cidr = settings.strict_cidr(family),
          .native_cidr = family == Family::v4 ? settings.native_cidr : settings.native_cidr6,
          .masquerade_exceptions = of_family(settings.masquerade_exceptions, cidr_family)};
}

std::map<std::string, bool> uplinks(const Inputs& inputs, const Cluster& cluster) {
  std::map<std::string, bool> devices{{cluster.uplink->name, cluster.uplink->ethernet}};
  for (const auto& peer : cluster.peers) {
    const auto hop = inputs.next_hops.find(peer.internal_ip);
    if (hop == inputs.next_hops.end() || hop->second.device.empty()) continue;
    devices.emplace(hop->second.device, hop->second.ethernet);
  }
  return devices;
}

// nullopt while something about this node itself is unknown; `cluster` has reported what.
std::optional<LocalView> local_view(const Inputs& inputs, const Cluster& cluster,
                                    std::vector<Problem>& problems) {
  if (!cluster.self || !cluster.uplink || cluster.own.empty()) return std::nullopt;
  std::vector<FamilyView> families;
  for (const auto& [family, own] : cluster.own) {
    families.push_back(family_view(inputs, cluster, own));
  }
  return LocalView{.families = std::move(families),
                   .uplink = *cluster.uplink,
                   .uplinks = uplinks(inputs, cluster),
                   .advertised = inputs.host.advertised,
                   .endpoints = present_endpoints(inputs, cluster.own, problems),
                   .keys = Keys(inputs),
                   .netfilter = inputs.settings.netfilter,
                   .host_encryption = inputs.settings.host_encryption,
                   .accepts_host_encryption = cluster.self->accepts_host_encryption,
                   .strict_ingress = inputs.settings.strict_ingress,
                   .program_tags = inputs.host.program_tags};
}

KernelState node_objects(const LocalView& view) {
  return {.block_policies = block_policies(),
          .links = links(view),
          .addresses = addresses(view),
          .sysctls = sysctls(view),
          .netfilter = netfilter_chains(view),
          .states = states(view),
          .policies = policies(view),
          .datapath_config = datapath_config(view),
          .peers = peer_entries(view),
          .owners = owners(view),
          .endpoints = {},
          .sources = {},
          .attachments = attachments(view),
          .routes = routes(view),
          .local_rules = local_rules(view),
          .rules = rules(view),
          .auditors = auditors(view),
          .node_peers = node_peer_entries(view)};
}

// If two pods have the same address, the first keeps it.
KernelState all_objects(const LocalView& view, const Inputs& inputs) {
  KernelState state = node_objects(view);
  for (const auto& endpoint : view.endpoints) {
    auto pod = pod_objects(endpoint, inputs.host, inputs.settings);
    for_each_table([&](const char*, auto table) { (state.*table).merge(pod.*table); });
  }
  return state;
}

}  // namespace

Desired compute(const Inputs& inputs) {
  Desired desired{.state = {}, .cluster = cluster(inputs), .problems = {}};
  desired.problems = desired.cluster.problems;
  const auto view = local_view(inputs, desired.cluster, desired.problems);
  if (view) {
    desired.state = all_objects(*view, inputs);
  } else {
    desired.state.block_policies = block_policies();
  }
  return desired;
}

}  // namespace pellicle
