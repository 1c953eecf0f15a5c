#include "agent/desired/desired.h"

#include <cassert>

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// No value while something about this node itself is unknown; `cluster` has said what.
std::optional<LocalView> local_view(const Inputs& inputs, const Cluster& cluster,
                                    std::vector<Problem>& problems) {
  if (!cluster.self || !cluster.self->internal_ipv4 || !cluster.uplink || !cluster.router) {
    return std::nullopt;
  }
  const auto local_cidr = *cluster.self->pod_cidr(Family::v4);
  return LocalView{.local_cidr = local_cidr,
                   .router = *cluster.router,
                   .uplink = *cluster.uplink,
                   .peers = cluster.peers,
                   .unready = cluster.unready,
                   .endpoints = present_endpoints(inputs, local_cidr, problems),
                   .key = inputs.key,
                   .strict_cidr = inputs.settings.strict_cidr,
                   .netfilter = inputs.settings.netfilter,
                   .native_cidr = inputs.settings.native_cidr,
                   .masquerade_exceptions = inputs.settings.masquerade_exceptions,
                   .program_tags = inputs.host.program_tags};
}

KernelState node_objects(const LocalView& view) {
  return {.block_policies = block_policies(),
          .links = links(view),
          .addresses = addresses(view),
          .sysctls = sysctls(view),
          .states = states(view),
          .policies = policies(view),
          .datapath_config = datapath_config(view),
          .peers = peer_entries(view),
          .endpoints = {},
          .netfilter = netfilter_chains(view),
          .attachments = attachments(view),
          .routes = routes(view),
          .local_rules = local_rules(view),
          .rules = rules(view)};
}

// Of two pods with one address, the first keeps it.
KernelState all_objects(const LocalView& view) {
  KernelState state = node_objects(view);
  for (const auto& endpoint : view.endpoints) {
    auto pod = pod_objects(endpoint, view.program_tags);
    for_each_table([&](const char*, auto table) { (state.*table).merge(pod.*table); });
  }
  return state;
}

}  // namespace

Mark encrypt_mark(uint8_t key_id) {
  assert(key_id >= 1 && key_id <= 15);  // four bits of the mark, and 0 means none
  return {kEncryptMark.value | uint32_t{key_id} << 12, kEncryptMark.mask | 0xf000};
}

Desired compute(const Inputs& inputs) {
  auto known = cluster(inputs);
  Desired desired{.state = {}, .problems = std::move(known.problems)};
  const auto view = local_view(inputs, known, desired.problems);
  if (view) {
    desired.state = all_objects(*view);
  } else {
    desired.state.block_policies = block_policies();
  }
  return desired;
}

}  // namespace pellicle
