#include "tests/harness/lab/kube_proxy/iptables.h"

#include <cstdio>
#include <sstream>

namespace pellicle::lab {

namespace {

const std::string kMasquerade = "-j KUBE-MARK-MASQ";

std::string service_chain(const std::string& kind, const ServicePort& port) {
  return "KUBE-" + kind + "-" + name_hash(port.full_name() + "tcp", 16);
}

std::string back_end_chain(const ServicePort& port, const BackEnd& back_end) {
  return "KUBE-SEP-" + name_hash(port.full_name() + "tcp" + back_end.to_string(), 16);
}

std::string arrow(const ServicePort& port, const BackEnd& back_end) {
  return comment(port.full_name() + " -> " + back_end.to_string());
}

std::string host(const IpAddress& address) {
  return Cidr::host(address).to_string();
}

std::string recent(const ServicePort& port, const BackEnd& back_end, const std::string& what) {
  const bool ipv4 = back_end.address.family() == Family::v4;
  return "-m recent " + what + " --name " + back_end_chain(port, back_end) + " --mask " +
         (ipv4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") + " --rsource ";
}

IptablesTable filter_table() {
  const std::string fresh = "-m conntrack --ctstate NEW ";
  const std::string load_balancer =
      fresh + comment("kubernetes load balancer firewall") + "-j KUBE-PROXY-FIREWALL";
  const std::string portals = fresh + comment("kubernetes service portals") + "-j KUBE-SERVICES";
  const std::string visible = fresh + comment("kubernetes externally-visible service portals") +
                              "-j KUBE-EXTERNAL-SERVICES";
  return {
      .chains = {"KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-CANARY",
                 "KUBE-PROXY-FIREWALL", "KUBE-SERVICES"},
      .rules = {"KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
                "KUBE-FORWARD " + comment("kubernetes forwarding rules") +
                    "-m mark --mark 0x4000/0x4000 -j ACCEPT",
                "KUBE-FORWARD " + comment("kubernetes forwarding conntrack rule") +
                    "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
      .jumps = {{"INPUT", load_balancer},
                {"INPUT", comment("kubernetes health check service ports") + "-j KUBE-NODEPORTS"},
                {"INPUT", visible},
                {"FORWARD", load_balancer},
                {"FORWARD", comment("kubernetes forwarding rules") + "-j KUBE-FORWARD"},
                {"FORWARD", portals},
                {"FORWARD", visible},
                {"OUTPUT", load_balancer},
                {"OUTPUT", portals}}};
}

// Traffic to the NodePort from outside, from a pod or from the node itself.
void add_external_chain(const ProxiedNode& node, const ServicePort& port, IptablesTable& nat) {
  const std::string chain = service_chain("EXT", port);
  const std::string all = "-j " + service_chain("SVC", port);
  const auto whither = [&](const std::string& what) {
    return comment(what + " for " + port.full_name() + " external destinations");
  };
  if (!port.local_only) {
    nat.add(chain, whither("masquerade traffic") + kMasquerade);
    nat.add(chain, all);
    return;
  }
  const std::string node_itself = "-m addrtype --src-type LOCAL ";
  nat.add(chain, "-s " + node.cluster_cidr.to_string() + " " + whither("pod traffic") + all);
  nat.add(chain, whither("masquerade LOCAL traffic") + node_itself + kMasquerade);
  nat.add(chain, whither("route LOCAL traffic") + node_itself + all);
  for (const BackEnd& own : node.own_back_ends(port)) {
    const std::string local = service_chain("SVL", port);
    nat.add(chain, "-j " + local);
    nat.add(local, arrow(port, own) + "-j " + back_end_chain(port, own));
  }
}

void add_back_end(const ServicePort& port, const BackEnd& back_end, IptablesTable& nat) {
  const std::string chain = back_end_chain(port, back_end);
  const std::string name = comment(port.full_name());
  nat.add(chain, "-s " + host(back_end.address) + " " + name + kMasquerade);
  nat.add(chain, "-p tcp " + name +
                     (port.client_ip_affinity ? recent(port, back_end, "--set") : "") +
                     "-m tcp -j DNAT --to-destination " + back_end.to_string());
}

// Connections are shared out at random; with affinity, a client returns to its last back end.
void add_choice(const ServicePort& port, IptablesTable& nat) {
  const std::string chain = service_chain("SVC", port);
  for (const BackEnd& back_end : port.back_ends) {
    if (!port.client_ip_affinity) break;
    nat.add(chain, arrow(port, back_end) +
                       recent(port, back_end, "--rcheck --seconds 10800 --reap") + "-j " +
                       back_end_chain(port, back_end));
  }
  size_t left = port.back_ends.size();
  for (const BackEnd& back_end : port.back_ends) {
    char share[64] = "";
    if (left > 1) {
      std::snprintf(share, sizeof share, "-m statistic --mode random --probability %.11f ",
                    1.0 / static_cast<double>(left));
    }
    --left;
    nat.add(chain, arrow(port, back_end) + share + "-j " + back_end_chain(port, back_end));
  }
}

void add_service(const ProxiedNode& node, const ServicePort& port, IptablesInput& tables) {
  IptablesTable& nat = tables["nat"];
  const std::string chain = service_chain("SVC", port);
  const std::string to_cluster_ip = "-d " + host(port.cluster_ip) + " -p tcp " +
                                    comment(port.full_name() + " cluster IP") + "-m tcp --dport " +
                                    std::to_string(port.port) + " ";
  nat.add("KUBE-SERVICES", to_cluster_ip + "-j " + chain);
  nat.add(chain, "! -s " + node.cluster_cidr.to_string() + " " + to_cluster_ip + kMasquerade);
  if (port.node_port != 0) {
    const std::string to_node_port = "-m tcp --dport " + std::to_string(port.node_port);
    nat.add("KUBE-NODEPORTS", "-p tcp " + comment(port.full_name()) + to_node_port + " -j " +
                                  service_chain("EXT", port));
    add_external_chain(node, port, nat);
    if (port.local_only && node.own_back_ends(port).empty()) {
      tables["filter"].add("KUBE-EXTERNAL-SERVICES",
                           "-p tcp " + comment(port.full_name() + " has no local endpoints") +
                               "-m addrtype --dst-type LOCAL " + to_node_port + " -j DROP");
    }
  }
  for (const BackEnd& back_end : port.back_ends) add_back_end(port, back_end, nat);
  add_choice(port, nat);
}

}  // namespace

void IptablesTable::add(const std::string& chain, const std::string& rule) {
  chains.insert(chain);
  rules.push_back(chain + " " + rule);
}

std::string comment(const std::string& text) {
  return "-m comment --comment \"" + text + "\" ";
}

std::string restore_input(const IptablesInput& tables) {
  std::ostringstream text;
  for (const auto& [name, table] : tables) {
    text << "*" << name << "\n";
    for (const std::string& chain : table.chains) text << ":" << chain << " - [0:0]\n";
    for (const std::string& rule : table.rules) text << "-A " << rule << "\n";
    for (auto jump = table.jumps.rbegin(); jump != table.jumps.rend(); ++jump)
      text << "-I " << jump->chain << " " << jump->rule << "\n";
    text << "COMMIT\n";
  }
  return text.str();
}

void add_masquerading(IptablesTable& nat) {
  nat.add("KUBE-MARK-MASQ", "-j MARK --set-xmark 0x4000/0x4000");
  nat.add("KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN");
  nat.add("KUBE-POSTROUTING", "-j MARK --set-xmark 0x4000/0x0");
  nat.add("KUBE-POSTROUTING",
          comment("kubernetes service traffic requiring SNAT") + "-j MASQUERADE --random-fully");
  const std::string portals = comment("kubernetes service portals") + "-j KUBE-SERVICES";
  nat.chains.insert({"KUBE-PROXY-CANARY", "KUBE-SERVICES"});
  nat.jumps = {{"PREROUTING", portals},
               {"OUTPUT", portals},
               {"POSTROUTING", comment("kubernetes postrouting rules") + "-j KUBE-POSTROUTING"}};
}

// IPv6 has no localnet beyond ::1.
void add_firewall(const ProxiedNode& node, IptablesTable& filter) {
  filter.chains.insert("KUBE-FIREWALL");
  if (node.family() == Family::v4) {
    filter.add("KUBE-FIREWALL", "! -s 127.0.0.0/8 -d 127.0.0.0/8 " +
                                    comment("block incoming localnet connections") +
                                    "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP");
  }
  for (const char* chain : {"INPUT", "OUTPUT"})
    filter.jumps.insert(filter.jumps.begin(), {chain, "-j KUBE-FIREWALL"});
}

IptablesInput iptables_mode(const ProxiedNode& node) {
  IptablesInput tables;
  tables["mangle"].chains.insert("KUBE-PROXY-CANARY");
  tables["filter"] = filter_table();
  add_firewall(node, tables["filter"]);
  add_masquerading(tables["nat"]);
  tables["nat"].chains.insert("KUBE-NODEPORTS");
  for (const ServicePort& port : node.ports) add_service(node, port, tables);
  tables["nat"].add("KUBE-SERVICES",
                    comment("kubernetes service nodeports; NOTE: this must be the last rule in "
                            "this chain") +
                        "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS");
  return tables;
}

}  // namespace pellicle::lab
