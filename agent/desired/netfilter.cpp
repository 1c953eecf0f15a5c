#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

// Where pods are seen with their own address: the native network, the exceptions, and every peer,
// also one outside of both: what is masqueraded is no longer known for a pod's and would reach it
// in the clear.
std::vector<Cidr> reached_as_pods(const FamilyView& view) {
  std::vector<Cidr> networks{*view.native_cidr};
  const auto add = [&](const Cidr& network) {
    for (const auto& wider : networks) {
      if (wider.overlaps(network) && wider.length() <= network.length()) return;
    }
    networks.push_back(network);
  };
  for (const auto& exception : view.masquerade_exceptions) add(exception);
  if (view.strict_cidr) add(*view.strict_cidr);  // the guard must still know them for pods' packets
  for (const Peer& peer : view.peers) add(peer.pod_cidr);
  for (const auto& unready : view.unready) add(unready);
  return networks;
}

// Everything else leaves with the address of the device it leaves by. iptables-save shows no 0/0:
// there is nothing beyond that to masquerade for.
std::vector<std::string> masquerading(const FamilyView& view) {
  const std::string from = "-s " + view.local_cidr.to_string();
  std::vector<std::string> rules;
  for (const auto& network : reached_as_pods(view)) {
    if (network.length() == 0) return {};
    rules.push_back(from + " -d " + network.to_string() + " -j RETURN");
  }
  rules.push_back(from + " ! -o cilium_+ -j MASQUERADE");
  return rules;
}

// Two things that other people's rules must not do to our packets, and what pods send to the world.
//
// raw: a marked packet goes through the stack twice, once inside and once outside of its tunnel.
// Were it tracked, it would be NATed on both.
//
// filter: because what goes out is not tracked and what comes back is, connection tracking finds
// the replies INVALID, and kube-proxy drops those in FORWARD; the kubelet's KUBE-FIREWALL drops
// packets with 0x8000, which the marks of key ids 8 to 15 have. (Both seen, 6.1.)
//
// mangle, with host encryption: what came out of ESP for the node itself makes its connection one
// whose answers are to be encrypted as well; the guard knows them by their mark. And pods that our
// program is not attached for (their sending is shaped) are marked here as it would.
//
// nat: see above.
void add_chains(const FamilyView& own, bool host_encryption, Table<NetfilterChain>& chains) {
  const auto add = [&](const char* table, const std::string& parent,
                       std::vector<std::string> rules) {
    chains.emplace(
        NetfilterChain::Key{.family = own.family(), .table = table, .chain = "PELLICLE_" + parent},
        NetfilterChain{.parent = parent, .rules = std::move(rules)});
  };
  const std::vector<std::string> untracked = {"-m mark --mark 0xe00/0xf00 -j CT --notrack",
                                              "-m mark --mark 0xd00/0xf00 -j CT --notrack"};
  add("raw", "PREROUTING", untracked);
  add("raw", "OUTPUT", untracked);
  add("filter", "INPUT", {"-m mark --mark 0xd00/0xf00 -j ACCEPT"});
  add("filter", "FORWARD", {std::string("-o ") + kHostDevice + " -j ACCEPT", "-i lxc+ -j ACCEPT"});
  add("filter", "OUTPUT", {"-m mark --mark 0xe00/0xf00 -j ACCEPT"});
  if (host_encryption) {
    add("mangle", "PREROUTING",
        {"-i lxc+ -m mark --mark 0x0/0xf00 -j MARK --set-xmark 0x100/0xf00",
         "-m mark --mark 0x200/0xf00 -j CONNMARK --save-mark --nfmask 0xf00 --ctmask 0xf00"});
    add("mangle", "OUTPUT", {"-m connmark --mark 0x200/0xf00 -j MARK --set-xmark 0x200/0xf00"});
  }
  if (own.native_cidr) {
    if (auto rules = masquerading(own); !rules.empty()) add("nat", "POSTROUTING", std::move(rules));
  }
}

}  // namespace

Table<NetfilterChain> netfilter_chains(const LocalView& view) {
  Table<NetfilterChain> chains;
  if (!view.netfilter) return chains;
  for (const auto& own : view.families) add_chains(own, view.host_encryption, chains);
  return chains;
}

}  // namespace pellicle
