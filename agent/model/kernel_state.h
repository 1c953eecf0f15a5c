// One value for everything Pellicle has in a kernel, used both for the desired and for the actual
// state. Declaration order is creation order; removal runs backwards.
#pragma once

#include <map>

#include "agent/model/objects.h"

namespace pellicle {

template <class Kind>
using Table = std::map<typename Kind::Key, Kind>;

struct KernelState {
  Table<Policy>
      block_policies;  // first in, last out: without them a marked packet could leave in the clear
  Table<VethPair> links;
  Table<Address> addresses;
  Table<Sysctl> sysctls;
  // Before policies: these change the device by which connections leave.
  Table<NetfilterChain> netfilter;
  Table<State> states;
  Table<Policy> policies;
  Table<DatapathConfig> datapath_config;
  Table<PeerEntry> peers;
  Table<AddressOwner> owners;
  Table<EndpointEntry> endpoints;
  Table<PodSource> sources;  // before the programs that look them up
  Table<Attachment> attachments;
  Table<Route> routes;
  Table<LocalRule> local_rules;
  Table<Rule> rules;
  // After routes and rules: these programs drop packets that routes and rules must not let through.
  Table<Attachment> auditors;
  // For nodes' own addresses, which are reached in the clear without an entry: after everything
  // else.
  Table<PeerEntry> node_peers;

  bool operator==(const KernelState&) const = default;
};

// Calls visit("name", &KernelState::member) for each table, in creation order.
template <class Visitor>
void for_each_table(Visitor&& visit) {
  visit("block policy", &KernelState::block_policies);
  visit("link", &KernelState::links);
  visit("address", &KernelState::addresses);
  visit("sysctl", &KernelState::sysctls);
  visit("netfilter", &KernelState::netfilter);
  visit("state", &KernelState::states);
  visit("policy", &KernelState::policies);
  visit("datapath config", &KernelState::datapath_config);
  visit("peer", &KernelState::peers);
  visit("owner", &KernelState::owners);
  visit("endpoint", &KernelState::endpoints);
  visit("source", &KernelState::sources);
  visit("attachment", &KernelState::attachments);
  visit("route", &KernelState::routes);
  visit("local rule", &KernelState::local_rules);
  visit("rule", &KernelState::rules);
  visit("auditor", &KernelState::auditors);
  visit("node peer", &KernelState::node_peers);
}

}  // namespace pellicle
