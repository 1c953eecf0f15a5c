#include "tests/harness/lab/kube_proxy/ipvs.h"

#include <sstream>

namespace pellicle::lab {

namespace {

std::string set_name(const ProxiedNode& node, const std::string& what) {
  return (node.family() == Family::v4 ? "KUBE-" : "KUBE-6-") + what;
}

std::string in_set(const ProxiedNode& node, const std::string& what, const std::string& of) {
  return "-m set --match-set " + set_name(node, what) + " " + of + " ";
}

std::string sets(const ProxiedNode& node) {
  const std::string family = node.family() == Family::v4 ? " family inet\n" : " family inet6\n";
  std::ostringstream text;
  const auto make = [&](const char* what, const std::string& type) {
    text << "create -exist " << set_name(node, what) << " " << type << "flush "
         << set_name(node, what) << "\n";
  };
  make("LOOP-BACK", "hash:ip,port,ip" + family);
  make("CLUSTER-IP", "hash:ip,port" + family);
  make("IPVS-IPS", "hash:ip" + family);
  make("NODE-PORT-TCP", "bitmap:port range 0-65535\n");
  make("NODE-PORT-LOCAL-TCP", "bitmap:port range 0-65535\n");
  const auto add = [&](const char* what, const std::string& element) {
    text << "add " << set_name(node, what) << " " << element << "\n";
  };
  for (const ServicePort& port : node.ports) {
    const std::string address = port.cluster_ip.to_string();
    add("CLUSTER-IP", address + ",tcp:" + std::to_string(port.port));
    add("IPVS-IPS", address);
    for (const BackEnd& own : node.own_back_ends(port)) {
      const std::string pod = own.address.to_string();
      add("LOOP-BACK", pod + ",tcp:" + std::to_string(own.port) + "," + pod);
    }
    if (port.node_port == 0) continue;
    add("NODE-PORT-TCP", std::to_string(port.node_port));
    if (port.local_only) add("NODE-PORT-LOCAL-TCP", std::to_string(port.node_port));
  }
  return text.str();
}

// As input for ipvsadm --restore.
std::string virtual_server(const std::string& at, const ServicePort& port,
                           const std::vector<BackEnd>& back_ends) {
  std::string text = "-A -t " + at + " -s rr";
  if (port.client_ip_affinity) {
    text += port.cluster_ip.family() == Family::v4 ? " -p 10800" : " -p 10800 -M 128";
  }
  text += "\n";
  for (const BackEnd& back_end : back_ends) {
    text += "-a -t " + at + " -r " + back_end.to_string() + " -m -w 1\n";
  }
  return text;
}

std::string at(const std::string& address, int port) {
  const bool ipv6 = address.find(':') != address.npos;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::string virtual_servers(const ProxiedNode& node) {
  std::string text;
  for (const ServicePort& port : node.ports) {
    text += virtual_server(at(port.cluster_ip.to_string(), port.port), port, port.back_ends);
    if (port.node_port == 0) continue;
    text += virtual_server(at(node.address.to_string(), port.node_port), port,
                           port.local_only ? node.own_back_ends(port) : port.back_ends);
  }
  return text;
}

std::string quoted_input(const std::string& program, const std::string& input) {
  return program + " <<'END'\n" + input + "END\n";
}

}  // namespace

// Keeps the virtual servers of the other family, which that family's kube-proxy makes.
std::string ipvs_script(const ProxiedNode& node) {
  const bool ipv4 = node.family() == Family::v4;
  std::string script =
      "set -e\nmodprobe -a ip_vs ip_vs_rr\n"
      "ip link show kube-ipvs0 >/dev/null 2>&1 || ip link add kube-ipvs0 type dummy\n"
      "for name in conntrack expire_nodest_conn expire_quiescent_template; do\n"
      "  echo 1 > /proc/sys/net/ipv4/vs/$name\ndone\n";
  for (const ServicePort& port : node.ports) {
    script +=
        "ip addr replace " + Cidr::host(port.cluster_ip).to_string() + " dev kube-ipvs0 nodad\n";
  }
  script += quoted_input("ipset restore", sets(node));
  script +=
      "before=$(ipvsadm --save --numeric)\n"
      "for at in $(echo \"$before\" | sed -n 's/^-A -t \\([^ ]*\\) .*/\\1/p'); do\n"
      "  case $at in '['*) family=6 ;; *) family=4 ;; esac\n"
      "  [ $family = " +
      std::string(ipv4 ? "4" : "6") +
      " ] || continue\n"
      "  ipvsadm --delete-service --tcp-service \"$at\"\ndone\n";
  return script + quoted_input("ipvsadm --restore", virtual_servers(node));
}

IptablesInput ipvs_mode(const ProxiedNode& node) {
  IptablesInput tables;
  IptablesTable& nat = tables["nat"];
  nat.add("KUBE-POSTROUTING",
          comment("Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose") +
              in_set(node, "LOOP-BACK", "dst,dst,src") + "-j MASQUERADE");
  add_masquerading(nat);
  nat.add("KUBE-NODE-PORT",
          "-p tcp " + comment("Kubernetes nodeport TCP port with externalTrafficPolicy=local") +
              in_set(node, "NODE-PORT-LOCAL-TCP", "dst") + "-j RETURN");
  nat.add("KUBE-NODE-PORT", "-p tcp " +
                                comment("Kubernetes nodeport TCP port for masquerade purpose") +
                                in_set(node, "NODE-PORT-TCP", "dst") + "-j KUBE-MARK-MASQ");
  if (node.family() == Family::v4) nat.add("KUBE-SERVICES", "-s 127.0.0.0/8 -j RETURN");
  nat.add("KUBE-SERVICES", "! -s " + node.cluster_cidr.to_string() + " " +
                               comment("Kubernetes service cluster ip + port for masquerade "
                                       "purpose") +
                               in_set(node, "CLUSTER-IP", "dst,dst") + "-j KUBE-MARK-MASQ");
  nat.add("KUBE-SERVICES", "-m addrtype --dst-type LOCAL -j KUBE-NODE-PORT");
  nat.add("KUBE-SERVICES", in_set(node, "CLUSTER-IP", "dst,dst") + "-j ACCEPT");

  IptablesTable& filter = tables["filter"];
  filter.add("KUBE-FORWARD",
             comment("kubernetes forwarding rules") + "-m mark --mark 0x4000/0x4000 -j ACCEPT");
  filter.add("KUBE-FORWARD", comment("kubernetes forwarding conntrack rule") +
                                 "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
  filter.add("KUBE-IPVS-FILTER", in_set(node, "CLUSTER-IP", "dst,dst") + "-j RETURN");
  filter.add("KUBE-IPVS-FILTER",
             "-m conntrack --ctstate NEW " + in_set(node, "IPVS-IPS", "dst") + "-j REJECT");
  filter.jumps = {{"INPUT", comment("kubernetes ipvs access filter") + "-j KUBE-IPVS-FILTER"},
                  {"FORWARD", comment("kubernetes forwarding rules") + "-j KUBE-FORWARD"}};
  add_firewall(node, filter);
  return tables;
}

}  // namespace pellicle::lab
