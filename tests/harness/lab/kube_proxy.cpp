#include "tests/harness/lab/kube_proxy.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

namespace {

struct BackEnd {
  const char* address;
  const char* chain;
};

// In the order of kube-proxy's rules, with the chain names it makes of them.
constexpr std::array kBackEnds = {BackEnd{"10.0.0.249", "KUBE-SEP-7NBUZ5LLWFBH36JQ"},
                                  BackEnd{"10.0.1.103", "KUBE-SEP-UXLDH4JQ2W2JVEM7"}};

constexpr const char* kComment = " -m comment --comment \"default/serversvc:cni";
constexpr const char* kSvc = "KUBE-SVC-CU7F3MNN62CF4ANP";
constexpr const char* kExt = "KUBE-EXT-CU7F3MNN62CF4ANP";
constexpr const char* kSvl = "KUBE-SVL-CU7F3MNN62CF4ANP";

// The filter and mangle tables but for the Service's own. What a real one has besides is its
// counter for INVALID packets (-m nfacct), which kube-proxy leaves out where it cannot make one.
constexpr const char* kFilter = R"(*mangle
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
)";

constexpr const char* kNat = R"(*nat
:KUBE-EXT-CU7F3MNN62CF4ANP - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SEP-7NBUZ5LLWFBH36JQ - [0:0]
:KUBE-SEP-UC6BXPXVZR4P64JB - [0:0]
:KUBE-SEP-UXLDH4JQ2W2JVEM7 - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-CU7F3MNN62CF4ANP - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/serversvc:cni" -m tcp --dport 32000 -j KUBE-EXT-CU7F3MNN62CF4ANP
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SEP-UC6BXPXVZR4P64JB -s 172.18.0.1/32 -m comment --comment "default/kubernetes:https" -j KUBE-MARK-MASQ
-A KUBE-SEP-UC6BXPXVZR4P64JB -p tcp -m comment --comment "default/kubernetes:https" -m tcp -j DNAT --to-destination 172.18.0.1:6443
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -d 10.96.169.246/32 -p tcp -m comment --comment "default/serversvc:cni cluster IP" -m tcp --dport 80 -j KUBE-SVC-CU7F3MNN62CF4ANP
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-CU7F3MNN62CF4ANP ! -s 10.0.0.0/8 -d 10.96.169.246/32 -p tcp -m comment --comment "default/serversvc:cni cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-NPX46M4PTMTKRN6Y ! -s 10.0.0.0/8 -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-MARK-MASQ
-A KUBE-SVC-NPX46M4PTMTKRN6Y -m comment --comment "default/kubernetes:https -> 172.18.0.1:6443" -j KUBE-SEP-UC6BXPXVZR4P64JB
)";

struct Jump {
  const char* table;
  const char* chain;
  const char* rule;
};

// In the order of the chains afterwards.
constexpr std::array kJumps = {
    Jump{"filter", "INPUT", "-j KUBE-FIREWALL"},
    Jump{"filter", "INPUT",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
         "KUBE-PROXY-FIREWALL"},
    Jump{"filter", "INPUT",
         "-m comment --comment \"kubernetes health check service ports\" -j KUBE-NODEPORTS"},
    Jump{"filter", "INPUT",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service "
         "portals\" -j KUBE-EXTERNAL-SERVICES"},
    Jump{"filter", "FORWARD",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
         "KUBE-PROXY-FIREWALL"},
    Jump{"filter", "FORWARD",
         "-m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD"},
    Jump{"filter", "FORWARD",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j "
         "KUBE-SERVICES"},
    Jump{"filter", "FORWARD",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible service "
         "portals\" -j KUBE-EXTERNAL-SERVICES"},
    Jump{"filter", "OUTPUT", "-j KUBE-FIREWALL"},
    Jump{"filter", "OUTPUT",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer firewall\" -j "
         "KUBE-PROXY-FIREWALL"},
    Jump{"filter", "OUTPUT",
         "-m conntrack --ctstate NEW -m comment --comment \"kubernetes service portals\" -j "
         "KUBE-SERVICES"},
    Jump{"nat", "PREROUTING",
         "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    Jump{"nat", "OUTPUT", "-m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"},
    Jump{"nat", "POSTROUTING",
         "-m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING"}};

// The node's own back end; null when it has none.
const BackEnd* local_back_end(const NodeSpec& node) {
  const auto found = std::find_if(kBackEnds.begin(), kBackEnds.end(), [&](const BackEnd& back_end) {
    return node.pod_cidr.contains(IpAddress::parse(back_end.address).value());
  });
  return found == kBackEnds.end() ? nullptr : &*found;
}

std::string arrow(const BackEnd& back_end) {
  return std::string(kComment) + " -> " + back_end.address + ":80\"";
}

std::string jumps(const std::string& table) {
  std::string text;
  for (auto jump = kJumps.rbegin(); jump != kJumps.rend(); ++jump) {
    if (jump->table == table) text += std::string("-I ") + jump->chain + " " + jump->rule + "\n";
  }
  return text;
}

// Who comes from outside, from a pod or from the node itself, to the NodePort.
std::string external_chain(const NodeSpec& node, bool local_only) {
  const std::string rule = std::string("-A ") + kExt;
  const std::string masquerade = "-j KUBE-MARK-MASQ\n";
  const std::string whither = " for default/serversvc:cni external destinations\" ";
  const std::string comment = " -m comment --comment \"";
  const std::string all = std::string("-j ") + kSvc + "\n";
  if (!local_only)
    return rule + comment + "masquerade traffic" + whither + masquerade + rule + " " + all;
  const std::string node_itself = "-m addrtype --src-type LOCAL ";
  std::string text = rule + " -s 10.0.0.0/8" + comment + "pod traffic" + whither + all + rule +
                     comment + "masquerade LOCAL traffic" + whither + node_itself + masquerade +
                     rule + comment + "route LOCAL traffic" + whither + node_itself + all;
  const BackEnd* own = local_back_end(node);
  if (own == nullptr) return text;
  return std::string(":") + kSvl + " - [0:0]\n" + text + rule + " -j " + kSvl + "\n-A " + kSvl +
         arrow(*own) + " -j " + own->chain + "\n";
}

// Half of the connections each, or where this client's last one went.
std::string back_end_chains(bool affinity) {
  std::ostringstream rules;
  for (const BackEnd& back_end : kBackEnds) {
    rules << "-A " << back_end.chain << " -s " << back_end.address << "/32" << kComment
          << "\" -j KUBE-MARK-MASQ\n-A " << back_end.chain << " -p tcp" << kComment << "\"";
    if (affinity)
      rules << " -m recent --set --name " << back_end.chain << " --mask 255.255.255.255 --rsource";
    rules << " -m tcp -j DNAT --to-destination " << back_end.address << ":80\n";
  }
  for (const BackEnd& back_end : kBackEnds) {
    if (!affinity) break;
    rules << "-A " << kSvc << arrow(back_end)
          << " -m recent --rcheck --seconds 10800 --reap --name " << back_end.chain
          << " --mask 255.255.255.255 --rsource -j " << back_end.chain << "\n";
  }
  for (const BackEnd& back_end : kBackEnds) {
    const bool last = &back_end == &kBackEnds.back();
    rules << "-A " << kSvc << arrow(back_end)
          << (last ? "" : " -m statistic --mode random --probability 0.50000000000") << " -j "
          << back_end.chain << "\n";
  }
  return rules.str();
}

// A node without a back end of its own lets nobody in from outside.
std::string no_local_back_end(const NodeSpec& node) {
  if (local_back_end(node) != nullptr) return "";
  return std::string("-A KUBE-EXTERNAL-SERVICES -p tcp") + kComment +
         " has no local endpoints\" -m addrtype --dst-type LOCAL -m tcp --dport 32000 -j DROP\n";
}

// What takes away the jumps that an earlier call put there: none must stand twice.
std::string removal_of_jumps(const std::string& netns, const std::string& table) {
  return must_in(netns, "iptables-legacy -t " + table +
                            " -S | sed -n 's/^-A \\([A-Z]*\\) \\(.*-j KUBE-.*\\)$/-D \\1 \\2/p'");
}

}  // namespace

std::string service_rules(const NodeSpec& node, const ServiceSpec& spec) {
  return std::string(kFilter) + (spec.local_only ? no_local_back_end(node) : "") + jumps("filter") +
         "COMMIT\n" + kNat + external_chain(node, spec.local_only) +
         back_end_chains(spec.client_ip_affinity) + jumps("nat") + "COMMIT\n";
}

void install_service(const Network& network, const ServiceSpec& spec) {
  // A kube-proxy sets both (--conntrack-min; connections to a NodePort of 127.0.0.1).
  must("echo 131072 > /proc/sys/net/netfilter/nf_conntrack_max");
  for (const NodeSpec& node : network.nodes()) {
    must_in(node.name, "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet");
    std::string removal;
    for (const char* table : {"filter", "nat"}) {
      removal += std::string("*") + table + "\n" + removal_of_jumps(node.name, table) + "COMMIT\n";
    }
    const std::string file = "/run/lab/" + node.name + "/kube-proxy.save";
    write_file(file, removal + service_rules(node, spec));
    must_in(node.name, "iptables-legacy-restore --noflush --wait 5 < " + file);
  }
}

}  // namespace pellicle::lab
