#include "tests/harness/lab/kube_proxy/nftables.h"

#include <algorithm>
#include <sstream>

namespace pellicle::lab {

namespace {

// The rules that do not depend on Services. FAMILY is ip or ip6, ADDR ipv4_addr or ipv6_addr.
constexpr const char* kBase = R"(
	set hairpin-connections {
		type ADDR . ADDR . inet_proto . inet_service
		comment "service hairpin connections"
HAIRPINS	}
	set cluster-ips {
		type ADDR
		comment "Active ClusterIPs"
		elements = { CLUSTER_IPS }
	}
	set nodeport-ips {
		type ADDR
		comment "IPs that accept NodePort traffic"
		elements = { NODE_IP }
	}
	map no-endpoint-services {
		type ADDR . inet_proto . inet_service : verdict
		comment "vmap to drop or reject packets to services with no endpoints"
	}
	map no-endpoint-nodeports {
		type inet_proto . inet_service : verdict
		comment "vmap to drop or reject packets to service nodeports with no endpoints"
NO_ENDPOINTS	}
	map firewall-ips {
		type ADDR . inet_proto . inet_service : verdict
		comment "destinations that are subject to LoadBalancerSourceRanges"
	}
	map service-ips {
		type ADDR . inet_proto . inet_service : verdict
		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
		elements = { SERVICE_IPS }
	}
	map service-nodeports {
		type inet_proto . inet_service : verdict
		comment "NodePort traffic"
		elements = { NODE_PORTS }
	}
	chain filter-prerouting-pre-dnat {
		type filter hook prerouting priority dstnat - 10; policy accept;
		ct state new jump firewall-check
	}
	chain filter-output-pre-dnat {
		type filter hook output priority -110; policy accept;
		ct state new jump firewall-check
	}
	chain filter-input {
		type filter hook input priority filter; policy accept;
		ct state new jump nodeport-endpoints-check
		ct state new jump service-endpoints-check
	}
	chain filter-forward {
		type filter hook forward priority filter; policy accept;
		ct state new jump service-endpoints-check
		ct state new jump cluster-ips-check
	}
	chain filter-output {
		type filter hook output priority filter; policy accept;
		ct state new jump service-endpoints-check
		ct state new jump cluster-ips-check
	}
	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump services
	}
	chain nat-output {
		type nat hook output priority -100; policy accept;
		jump services
	}
	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		jump masquerading
	}
	chain nodeport-endpoints-check {
		FAMILY daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
	}
	chain service-endpoints-check {
		FAMILY daddr . meta l4proto . th dport vmap @no-endpoint-services
	}
	chain firewall-check {
		FAMILY daddr . meta l4proto . th dport vmap @firewall-ips
	}
	chain services {
		FAMILY daddr @cluster-ips FAMILY saddr != CLUSTER_CIDR meta mark set meta mark | 0x00004000 comment "masquerade clusterIP traffic from outside cluster"
		FAMILY daddr . meta l4proto . th dport vmap @service-ips
		FAMILY daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
	}
	chain masquerading {
		meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random
		ct status dnat FAMILY saddr . FAMILY daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random
	}
	chain cluster-ips-check {
		FAMILY daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
		FAMILY daddr SERVICE_CIDR drop comment "Drop traffic to unallocated ClusterIPs"
	}
	chain reject-chain {
		comment "helper for @no-endpoint-services / @no-endpoint-nodeports"
		reject
	}
)";

std::string replaced(std::string text, const std::string& word, const std::string& by) {
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + by.size()))
    text.replace(at, word.size(), by);
  return text;
}

std::string chain_name(const std::string& kind, const std::string& name) {
  return kind + "-" + name_hash(name, 8) + "-" + name;
}

std::string service_name(const ServicePort& port) {
  return port.name_space + "/" + port.name + "/tcp/" + port.port_name;
}

// nftables allows no colon in a name.
std::string back_end_name(const ServicePort& port, const BackEnd& back_end) {
  return service_name(port) + "__" + replaced(back_end.address.to_string(), ":", ".") + "/" +
         std::to_string(back_end.port);
}

class Rules {
 public:
  explicit Rules(const ProxiedNode& node)
      : node_(node), ip_(node.family() == Family::v4 ? "ip" : "ip6") {}

  std::string text() const {
    std::ostringstream table;
    const std::string name = ip_ + " kube-proxy";
    table << "add table " << name << "\ndelete table " << name << "\ntable " << name
          << " {\n\tcomment \"rules for kube-proxy\"" << base();
    for (const ServicePort& port : node_.ports) {
      table << chain(chain_name("service", service_name(port)), choice(port));
      if (port.node_port != 0) {
        table << chain(chain_name("external", service_name(port)), external(port));
      }
      if (port.local_only) {
        table << chain(chain_name("local", service_name(port)), dnat_to(node_.own_back_ends(port)));
      }
      for (const BackEnd& back_end : port.back_ends) {
        if (port.client_ip_affinity) table << back_end_with_affinity(port, back_end);
      }
    }
    table << "}\n";
    return table.str();
  }

 private:
  static std::string chain(const std::string& name, const std::string& rules) {
    return "\tchain " + name + " {\n" + rules + "\t}\n";
  }
  static bool lacks_own(const ProxiedNode& node, const ServicePort& port) {
    return port.local_only && node.own_back_ends(port).empty();
  }

  std::string base() const {
    std::string hairpins, cluster_ips, service_ips, node_ports, no_endpoints;
    const auto append = [](std::string& list, const std::string& element) {
      list += (list.empty() ? "" : ", ") + element;
    };
    for (const ServicePort& port : node_.ports) {
      const std::string address = port.cluster_ip.to_string();
      append(cluster_ips, address);
      append(service_ips, address + " . tcp . " + std::to_string(port.port) + " : goto " +
                              chain_name("service", service_name(port)));
      for (const BackEnd& own : node_.own_back_ends(port)) {
        const std::string pod = own.address.to_string();
        append(hairpins, pod + " . " + pod + " . tcp . " + std::to_string(own.port));
      }
      if (port.node_port == 0) continue;
      const std::string to_node_port = "tcp . " + std::to_string(port.node_port) + " : ";
      append(node_ports, to_node_port + "goto " + chain_name("external", service_name(port)));
      if (lacks_own(node_, port)) append(no_endpoints, to_node_port + "drop");
    }
    const auto elements = [](const std::string& list) {
      return list.empty() ? "" : "\t\telements = { " + list + " }\n";
    };
    std::string text = replaced(kBase, "HAIRPINS", elements(hairpins));
    text = replaced(text, "NO_ENDPOINTS", elements(no_endpoints));
    text = replaced(text, "CLUSTER_IPS", cluster_ips);
    text = replaced(text, "SERVICE_IPS", service_ips);
    text = replaced(text, "NODE_PORTS", node_ports);
    text = replaced(text, "NODE_IP", node_.address.to_string());
    text = replaced(text, "CLUSTER_CIDR", node_.cluster_cidr.to_string());
    text = replaced(text, "SERVICE_CIDR", node_.service_cidr.to_string());
    text = replaced(text, "FAMILY", ip_);
    return replaced(text, "ADDR", node_.family() == Family::v4 ? "ipv4_addr" : "ipv6_addr");
  }

  // Traffic to the NodePort from outside, from a pod or from the node itself.
  std::string external(const ServicePort& port) const {
    const std::string all = "goto " + chain_name("service", service_name(port));
    const std::string mark = "meta mark set meta mark | 0x00004000 comment \"masquerade";
    if (!port.local_only) return "\t\t" + mark + "\"\n\t\t" + all + "\n";
    std::string rules = "\t\t" + ip_ + " saddr " + node_.cluster_cidr.to_string() + " " + all +
                        " comment \"short-circuit pod traffic\"\n\t\tfib saddr type local " + mark +
                        " local traffic\"\n\t\tfib saddr type local " + all +
                        " comment \"short-circuit local traffic\"\n";
    if (!lacks_own(node_, port)) {
      rules += "\t\tgoto " + chain_name("local", service_name(port)) + "\n";
    }
    return rules;
  }

  // Shares the connections out at random.
  std::string dnat_to(const std::vector<BackEnd>& back_ends) const {
    if (back_ends.empty()) return "";
    std::string map;
    for (const BackEnd& back_end : back_ends) {
      map += (map.empty() ? "" : ", ") + std::to_string(&back_end - back_ends.data()) + " : " +
             back_end.address.to_string() + " . " + std::to_string(back_end.port);
    }
    return "\t\tmeta l4proto tcp dnat " + ip_ + " to numgen random mod " +
           std::to_string(back_ends.size()) + " map { " + map + " }\n";
  }

  std::string choice(const ServicePort& port) const {
    if (!port.client_ip_affinity) return dnat_to(port.back_ends);
    std::string rules, map;
    for (const BackEnd& back_end : port.back_ends) {
      const std::string name = back_end_name(port, back_end);
      const std::string to = "goto " + chain_name("endpoint", name);
      rules += "\t\t" + ip_ + " saddr @" + chain_name("affinity", name) + " " + to + "\n";
      map += (map.empty() ? "" : ", ") + std::to_string(&back_end - port.back_ends.data()) + " : " +
             to;
    }
    return rules + "\t\tnumgen random mod " + std::to_string(port.back_ends.size()) + " vmap { " +
           map + " }\n";
  }

  // Remembers its clients for three hours.
  std::string back_end_with_affinity(const ServicePort& port, const BackEnd& back_end) const {
    const std::string name = back_end_name(port, back_end);
    const std::string set = chain_name("affinity", name);
    return "\tset " + set + " {\n\t\ttype " +
           (node_.family() == Family::v4 ? "ipv4_addr" : "ipv6_addr") +
           "\n\t\tflags dynamic,timeout\n\t\ttimeout 10800s\n\t}\n" +
           chain(chain_name("endpoint", name), "\t\tupdate @" + set + " { " + ip_ +
                                                   " saddr }\n\t\tmeta l4proto tcp dnat to " +
                                                   back_end.to_string() + "\n");
  }

  const ProxiedNode& node_;
  std::string ip_;
};

}  // namespace

std::string nftables_mode(const ProxiedNode& node) {
  return Rules(node).text();
}

}  // namespace pellicle::lab
