#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

using Rules = std::vector<std::string>;

// Destinations that see pods' own addresses: this node's pods, the native network, the exceptions,
// and every peer, also one outside all of these. After masquerading a packet no longer has a pod's
// address, and no policy would encrypt it.
std::vector<Cidr> reached_as_pods(const FamilyView& view) {
  std::vector<Cidr> networks{*view.native_cidr};
  const auto add = [&](const Cidr& network) {
    for (const auto& wider : networks) {
      if (wider.overlaps(network) && wider.length() <= network.length()) return;
    }
    networks.push_back(network);
  };
  for (const auto& exception : view.masquerade_exceptions) add(exception);
  if (view.strict_cidr)
    add(*view.strict_cidr);  // so that the strict policy still matches pods' packets
  for (const Peer& peer : view.peers) add(peer.pod_cidr);
  for (const auto& unready : view.unready) add(unready);
  return networks;
}

// For packets that leave by cilium_host: those that policies encrypt, and those for local pods.
// MASQUERADE would take the address of another device, as cilium_host has no address of the scope
// that it looks for (6.1, nf_nat_masquerade_ipv4).
std::string to_node_address(const FamilyView& view) {
  return std::string(" -j SNAT --to-source ") + view.address->to_string() + " --random-fully";
}

// Everything else gets the address of the device by which it leaves. iptables-save does not print
// 0/0; with such a network there is nothing beyond it to masquerade for.
void add_masquerading(const FamilyView& view, bool host_encryption, Rules& rules) {
  const std::string from = "-s " + view.local_cidr.to_string();
  const auto networks = reached_as_pods(view);
  for (const auto& network : networks) {
    if (network.length() == 0) return;
  }
  for (const auto& network : networks) {
    rules.push_back(from + " -d " + network.to_string() + " -j RETURN");
  }
  if (host_encryption && view.address) {
    rules.push_back(from + " ! -d " + view.local_cidr.to_string() + " -o " + kHostDevice +
                    to_node_address(view));
  }
  rules.push_back(from + " ! -o cilium_+ -j MASQUERADE");
}

// kube-proxy masquerades packets with its mark 0x4000 on every device. A mark with 0x800 is ours:
// there 0x4000 may be part of the key id.
Rules source_nat(const FamilyView& view, bool host_encryption) {
  Rules rules;
  if (view.address) {
    rules.push_back(std::string("-o ") + kHostDevice + " -m mark --mark 0x4000/0x4800" +
                    to_node_address(view));
  }
  if (view.native_cidr) add_masquerading(view, host_encryption, rules);
  return rules;
}

// The name alone does not identify a pod's device: LXC's own bridge is lxcbr0.
std::string from_pods(const FamilyView& view) {
  return "-s " + view.local_cidr.to_string() + " -i lxc+";
}

constexpr const char* kNatedBefore =
    " -m connmark --mark 0x0/0x1000 -m conntrack --ctstate SNAT --ctdir ORIGINAL"
    " -j MARK --set-xmark 0x400/0x400";

// For connections with source NAT that left by another device than cilium_host when they began:
// before the peers' policies existed, or before host encryption was enabled. MASQUERADE ends a
// connection whose device changes. The mark keeps policies from selecting the packet before NAT. It
// is cleared right before NAT, and the kernel looks up a policy again with the new source. A pod's
// packet that has the mark but no source NAT is dropped. A connection that leaves by cilium_host
// from its beginning has 0x1000 in its connection mark: routes lead all its packets there.
//
// All rules but the last are the same without host encryption: when it is disabled, its policies
// are removed after the rules were written.
void add_before_nat(const FamilyView& own, bool host_encryption, Rules& prerouting, Rules& output,
                    Rules& postrouting) {
  const std::string pods = "-s " + own.local_cidr.to_string();
  const std::string unmarked = "-m mark --mark 0x0";
  prerouting.push_back(unmarked + " -m policy --dir in --pol none" + kNatedBefore);
  for (const char* mark : {"0x100", "0x200"}) {
    prerouting.push_back(std::string("-m mark --mark ") + mark + kNatedBefore);
  }
  output.push_back(unmarked + kNatedBefore);
  const std::string marked = "-m mark --mark 0x400/0xc00 -m conntrack ";
  const std::string by_host = std::string("-o ") + kHostDevice;
  const std::string begins = " -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x1000/0x1000";
  postrouting = {by_host + " -m mark --mark 0x4000/0x4800" + begins,
                 pods + " " + marked + "! --ctstate SNAT -j DROP",
                 marked + "--ctstate SNAT --ctdir ORIGINAL -j MARK --set-xmark 0x0/0x400"};
  // As in add_masquerading().
  if (host_encryption && own.native_cidr && own.address) {
    postrouting.push_back(pods + " ! -d " + own.local_cidr.to_string() + " " + by_host + begins);
  }
}

// raw: ESP is not tracked. Inner packets are, in both directions, as any firewall expects. Packets
// that cilium_host marked pass the stack a second time, untracked: the first time they were tracked
// and NATed.
//
// mangle: FORWARD clears the key id in the mark, which is not needed after routing. Its bits are
// those by which kube-proxy masquerades (ids 4 to 7 and 12 to 15) and the kubelet drops (8 to 15).
// With host encryption a packet decrypted for the node itself marks its connection, so that answers
// get a mark by which policies encrypt them. Packets of pods without our program (their sending is
// shaped) are marked here as the program would.
//
// filter: our ESP passes. Pods' packets pass if nothing else decided: PELLICLE_FORWARD is last in
// FORWARD, where it overrides a DROP policy but no rule of an administrator.
void add_chains(const FamilyView& own, bool host_encryption, Table<NetfilterChain>& chains) {
  const auto add = [&](const char* table, const std::string& parent, Rules rules) {
    chains.emplace(
        NetfilterChain::Key{.family = own.family(), .table = table, .chain = "PELLICLE_" + parent},
        NetfilterChain{.parent = parent, .rules = std::move(rules)});
  };
  const std::string encrypted = "-m mark --mark " + kEncryptMark.to_string();
  const std::string decrypted = "-m mark --mark " + kDecryptMark.to_string();
  add("raw", "PREROUTING",
      {"-p esp " + decrypted + " -j CT --notrack",
       std::string("-i ") + kNetDevice + " -j CT --notrack"});
  add("raw", "OUTPUT", {"-p esp " + encrypted + " -j CT --notrack"});
  add("mangle", "FORWARD", {encrypted + " -j MARK --set-xmark 0x0/0xf000"});
  add("filter", "INPUT", {decrypted + " -j ACCEPT"});
  add("filter", "FORWARD",
      {std::string("-o ") + kHostDevice + " -j ACCEPT", from_pods(own) + " -j ACCEPT"});
  add("filter", "OUTPUT", {encrypted + " -j ACCEPT"});
  // These packets were filtered on their first pass through the stack; on the second they are
  // untracked.
  chains.emplace(
      NetfilterChain::Key{.family = own.family(), .table = "filter", .chain = "PELLICLE_MARKED"},
      NetfilterChain{.parent = "FORWARD",
                     .rules = {std::string("-i ") + kNetDevice + " -o " + kHostDevice + " " +
                               encrypted + " -j ACCEPT"}});
  Rules prerouting, output, postrouting;
  if (host_encryption) {
    prerouting = {
        from_pods(own) + " -m mark --mark 0x0/0xf00 -j MARK --set-xmark 0x100/0xf00",
        "-m mark --mark 0x200/0xf00 -j CONNMARK --save-mark --nfmask 0xb00 --ctmask 0xb00"};
    output = {"-m connmark --mark 0x200/0xb00 -j MARK --set-xmark 0x200/0xf00"};
  }
  add_before_nat(own, host_encryption, prerouting, output, postrouting);
  add("mangle", "PREROUTING", std::move(prerouting));
  add("mangle", "OUTPUT", std::move(output));
  add("mangle", "POSTROUTING", std::move(postrouting));
  if (auto rules = source_nat(own, host_encryption); !rules.empty()) {
    add("nat", "POSTROUTING", std::move(rules));
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
