#include "tests/harness/lab/kube_proxy/kube_proxy.h"

#include "tests/harness/lab/kube_proxy/iptables.h"
#include "tests/harness/lab/kube_proxy/ipvs.h"
#include "tests/harness/lab/kube_proxy/nftables.h"
#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

namespace {

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

Cidr cidr(const char* text) {
  return Cidr::parse(text).value();
}

IpAddress address_of(const NodeSpec& node, Family family) {
  if (family == Family::v4) return node.address;
  if (!node.ipv6) throw LabError("node " + node.name + " has no IPv6");
  return node.ipv6->address;
}

// In the order of kube-proxy's rules.
std::vector<BackEnd> back_ends(const Network& network, Family family, bool host_network) {
  if (host_network) {
    return {{address_of(network.node("worker2"), family), kHostNetworkPort, "worker2"},
            {address_of(network.node("worker"), family), kHostNetworkPort, "worker"}};
  }
  const bool ipv4 = family == Family::v4;
  return {{ip(ipv4 ? "10.0.0.249" : "fd00:10::f9"), 80, "worker2"},
          {ip(ipv4 ? "10.0.1.103" : "fd00:10:1::67"), 80, "worker"}};
}

std::vector<Family> families(const NodeSpec& node) {
  std::vector<Family> found;
  if (node.ipv4) found.push_back(Family::v4);
  if (node.ipv6) found.push_back(Family::v6);
  return found;
}

// "iptables-nft", v6 -> "ip6tables-nft"
std::string iptables_of(ProxyMode mode, Family family) {
  const bool legacy = mode == ProxyMode::iptables_legacy || mode == ProxyMode::ipvs;
  return std::string(family == Family::v4 ? "iptables" : "ip6tables") +
         (legacy ? "-legacy" : "-nft");
}

// Other programs find kubelet's back end by its chains in mangle.
IptablesInput iptables_input(const ProxiedNode& node, ProxyMode mode) {
  IptablesInput tables;
  if (mode == ProxyMode::ipvs) {
    tables = ipvs_mode(node);
  } else if (mode == ProxyMode::nftables) {
    add_firewall(node, tables["filter"]);
  } else {
    tables = iptables_mode(node);
  }
  tables["mangle"].chains.insert({"KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"});
  return tables;
}

// Removes the jumps of an earlier call, so that none exists twice.
std::string removal_of_jumps(const std::string& node, const std::string& iptables) {
  std::string removal;
  for (const std::string table : {"filter", "nat"}) {
    removal += "*" + table + "\n" +
               must_in(node, iptables + " --wait 5 -t " + table +
                                 " -S | sed -n 's/^-A \\([A-Z]*\\) \\(.*-j KUBE-.*\\)$/-D \\1 "
                                 "\\2/p'") +
               "COMMIT\n";
  }
  return removal;
}

void install(const ProxiedNode& node, ProxyMode mode) {
  const std::string file = "/run/lab/" + node.name + "/kube-proxy.";
  if (mode == ProxyMode::nftables) {
    write_file(file + "nft", nftables_mode(node));
    must_in(node.name, "nft -f " + file + "nft");
  }
  if (mode == ProxyMode::ipvs) {
    write_file(file + "sh", ipvs_script(node));
    must_in(node.name, "sh " + file + "sh");
  }
  const std::string iptables = iptables_of(mode, node.family());
  write_file(file + "save",
             removal_of_jumps(node.name, iptables) + restore_input(iptables_input(node, mode)));
  must_in(node.name, iptables + "-restore --noflush --wait 5 < " + file + "save");
}

// The seed's cluster CIDR also covers its Services. In IPVS mode a node that connects to a
// ClusterIP has the ClusterIP as its source, and kube-proxy masquerades that as an address outside
// the pods' range.
const char* cluster_cidr(Family family, ProxyMode mode) {
  if (family == Family::v6) return "fd00:10::/32";
  return mode == ProxyMode::ipvs ? "10.0.0.0/16" : "10.0.0.0/8";
}

}  // namespace

ProxiedNode proxied_node(const Network& network, const std::string& name, Family family,
                         const ServiceSpec& spec) {
  const NodeSpec& node = network.node(name);
  const bool ipv4 = family == Family::v4;
  ProxiedNode proxied{.name = name,
                      .address = address_of(node, family),
                      .cluster_cidr = cidr(cluster_cidr(family, spec.mode)),
                      .service_cidr = cidr(ipv4 ? "10.96.0.0/16" : "fd00:96::/112"),
                      .ports = {}};
  if (ipv4) {
    proxied.ports.push_back({.name_space = "default",
                             .name = "kubernetes",
                             .port_name = "https",
                             .cluster_ip = ip("10.96.0.1"),
                             .port = 443,
                             .back_ends = {{ip("172.18.0.1"), 6443, "the API server's"}}});
  }
  proxied.ports.push_back({.name_space = "default",
                           .name = "serversvc",
                           .port_name = "cni",
                           .cluster_ip = ip(ipv4 ? kServiceAddress : kServiceIpv6),
                           .port = 80,
                           .node_port = kNodePort,
                           .back_ends = back_ends(network, family, spec.host_network),
                           .client_ip_affinity = spec.client_ip_affinity,
                           .local_only = spec.local_only});
  return proxied;
}

void install_service(const Network& network, const ServiceSpec& spec) {
  // kube-proxy sets both (--conntrack-min; connections to a NodePort of 127.0.0.1).
  must("echo 131072 > /proc/sys/net/netfilter/nf_conntrack_max");
  for (const NodeSpec& node : network.nodes()) {
    must_in(node.name, "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
    for (const Family family : families(node)) {
      install(proxied_node(network, node.name, family, spec), spec.mode);
    }
  }
}

}  // namespace pellicle::lab
