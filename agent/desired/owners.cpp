#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// Cleartext is refused only if its sender announces that it encrypts such packets.
ClearText unless(bool in_the_clear, const LocalView& view) {
  return in_the_clear ? ClearText::passes : view.strict_ingress;
}

void add_peer(const Peer& peer, const LocalView& view, Table<AddressOwner>& table) {
  const auto pods = unless(!peer.node.encrypts_pods, view);
  const bool both = view.host_encryption && view.accepts_host_encryption;
  const auto nodes = unless(!both || !peer.node.encrypts_nodes, view);
  table[{peer.pod_cidr}] = {.router = peer.router, .to_pods = pods, .to_node = nodes};
  table[{Cidr::host(peer.internal_ip)}] = {.router = peer.router, .to_pods = nodes};
}

}  // namespace

// Packets from this node's own pods never arrive from the wire.
Table<AddressOwner> owners(const LocalView& view) {
  Table<AddressOwner> table;
  for (const auto& own : view.families) {
    for (const Peer& peer : own.peers) add_peer(peer, view, table);
    table[{own.local_cidr}] = {
        .router = own.router, .to_pods = view.strict_ingress, .to_node = view.strict_ingress};
    if (own.address) table[{Cidr::host(*own.address)}] = {.router = own.router};
  }
  return table;
}

}  // namespace pellicle
