// The seed's listings of a node, and the same for any node.
#pragma once

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/harness/lab/lab.h"

namespace pellicle::lab::seed {

// The seed's worker. Its rules 9 and 10 serve a proxy that this agent does not have. The default
// route, the route of proto kernel and lo belong to the environment. Additions are the rules 2, 3
// and 101, which direct packets without a mark to cilium_host, and three policies: the block
// policy, the first, and the two for packets to the node itself. Today's `ip` prints "ptype main",
// the seed's did not. Lines that `ip` ends with a blank end with "$" here.
inline std::string rules(const std::string& router, const std::string& pod_cidr) {
  return "1:\tfrom all fwmark 0xd00/0xf00 lookup 200\n"
         "1:\tfrom all fwmark 0xe00/0xf00 lookup 200\n"
         "2:\tfrom " +
         router + " ipproto esp lookup main\n3:\tfrom " + pod_cidr +
         " lookup 214\n"
         "100:\tfrom all lookup local\n"
         "101:\tfrom all iif lo ipproto icmp lookup 214\n"
         "32766:\tfrom all lookup main\n"
         "32767:\tfrom all lookup default\n";
}

inline constexpr const char* kWorkerMainRoutes = R"(default via 172.18.0.1 dev eth0 $
10.0.0.0/24 via 172.18.0.4 dev eth0 $
10.0.1.0/24 via 10.0.1.138 dev cilium_host src 10.0.1.138 $
10.0.1.138 dev cilium_host scope link $
10.0.2.0/24 via 172.18.0.2 dev eth0 $
172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.3 $
)";

inline constexpr const char* kWorkerEncryptRoutes = R"(10.0.0.0/24 dev cilium_host mtu 1500 $
local 10.0.1.0/24 dev eth0 proto 50 scope host $
10.0.2.0/24 dev cilium_host mtu 1500 $
)";

inline constexpr const char* kWorkerStates = R"(src 0.0.0.0 dst 10.0.1.138
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0xd00/0xf00 output-mark 0xd00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
src 10.0.1.138 dst 10.0.0.40
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0x3e00/0xff00 output-mark 0xe00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
src 10.0.1.138 dst 10.0.2.52
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0 $
	mark 0x3e00/0xff00 output-mark 0xe00/0xf00
	aead rfc4106(gcm(aes)) <key> 128
	sel src 0.0.0.0/0 dst 0.0.0.0/0 $
)";

inline constexpr const char* kWorkerPolicies = R"(src 0.0.0.0/0 dst 0.0.0.0/0 $
	dir out action block priority 100 ptype main $
	mark 0xe00/0xf00 $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir fwd priority 2975 ptype main $
	mark 0/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir in priority 0 ptype main $
	mark 0x200/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 10.0.1.0/24 $
	dir in priority 0 ptype main $
	mark 0xd00/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
src 0.0.0.0/0 dst 172.18.0.3/32 $
	dir fwd priority 0 ptype main $
	mark 0x200/0xb00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 0.0.0.0/0 dst 172.18.0.3/32 $
	dir in priority 0 ptype main $
	mark 0x200/0xf00 $
	tmpl src 0.0.0.0 dst 10.0.1.138
		proto esp reqid 1 mode tunnel
		level use $
src 10.0.1.0/24 dst 10.0.0.0/24 $
	dir out priority 0 ptype main $
	mark 0x3e00/0xff00 $
	tmpl src 10.0.1.138 dst 10.0.0.40
		proto esp spi 0x00000003 reqid 1 mode tunnel
src 10.0.1.0/24 dst 10.0.2.0/24 $
	dir out priority 0 ptype main $
	mark 0x3e00/0xff00 $
	tmpl src 10.0.1.138 dst 10.0.2.52
		proto esp spi 0x00000003 reqid 1 mode tunnel
src ::/0 dst ::/0 $
	dir out action block priority 100 ptype main $
	mark 0xe00/0xf00 $
)";

// The first line of each device: the kernel decides the kind and number of queues.
inline constexpr const char* kLinks =
    "cilium_host@cilium_net: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state "
    "UP mode DEFAULT group default qlen 1000\n"
    "cilium_net@cilium_host: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500 qdisc noqueue state "
    "UP mode DEFAULT group default qlen 1000\n"
    "eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group "
    "default qlen 1000\n"
    "lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default "
    "qlen 1000\n"
    "lxc<12 hex>: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT "
    "group default qlen 1000\n";

inline constexpr const char* kWorkerAddresses = R"(lo    inet 127.0.0.1/8 scope host lo
eth0    inet 172.18.0.3/16 brd 172.18.255.255 scope global eth0
cilium_host    inet 10.0.1.138/32 scope link cilium_host
)";

inline std::string replaced(const std::string& text, const std::string& pattern,
                            const std::string& with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

inline std::string expected(const char* golden) {
  return replaced(golden, " \\$\n", " \n");
}

inline std::string first_lines(const std::string& links) {
  std::istringstream lines(links);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(' ')) first += line + "\n";
  }
  return replaced(first, "lxc[0-9a-f]{12}:", "lxc<12 hex>:");
}

inline KernelPicture listing(const std::string& node) {
  KernelPicture picture = kernel_picture(node);
  picture.links = first_lines(picture.links);
  return picture;
}

inline KernelPicture worker_golden() {
  return {.rules = rules("10.0.1.138", "10.0.1.0/24"),
          .main_routes = expected(kWorkerMainRoutes),
          .encrypt_routes = expected(kWorkerEncryptRoutes),
          .states = expected(kWorkerStates),
          .policies = expected(kWorkerPolicies),
          .links = kLinks,
          .addresses = kWorkerAddresses};
}

// The same listing for any node: for worker it equals worker's golden text.
inline std::string state_text(const IpAddress& src, const IpAddress& dst,
                              const std::string& marks) {
  return "src " + src.to_string() + " dst " + dst.to_string() +
         "\n\tproto esp spi 0x00000003 reqid 1 mode tunnel\n\treplay-window 0 \n\tmark " + marks +
         "\n\taead rfc4106(gcm(aes)) <key> 128\n\tsel src 0.0.0.0/0 dst 0.0.0.0/0 \n";
}

inline std::string policy_text(const std::string& ends, const std::string& head,
                               const std::string& mark, const std::string& tmpl) {
  return ends + " \n\tdir " + head + " ptype main \n\tmark " + mark + " \n" + tmpl;
}

inline std::string receiving_policies(const NodeSpec& self) {
  const std::string ends = "src 0.0.0.0/0 dst " + self.pod_cidr.to_string();
  const std::string node = "src 0.0.0.0/0 dst " + self.address.to_string() + "/32";
  const std::string tmpl =
      "\ttmpl src 0.0.0.0 dst " + self.router.to_string() + "\n\t\tproto esp reqid 1 mode tunnel\n";
  return policy_text(ends, "fwd priority 2975", "0/0xf00", tmpl + "\t\tlevel use \n") +
         policy_text(ends, "in priority 0", "0x200/0xf00", tmpl + "\t\tlevel use \n") +
         policy_text(ends, "in priority 0", "0xd00/0xf00", tmpl) +
         policy_text(node, "fwd priority 0", "0x200/0xb00", tmpl + "\t\tlevel use \n") +
         policy_text(node, "in priority 0", "0x200/0xf00", tmpl + "\t\tlevel use \n");
}

inline std::string sending_policy(const NodeSpec& self, const NodeSpec& peer) {
  return policy_text("src " + self.pod_cidr.to_string() + " dst " + peer.pod_cidr.to_string(),
                     "out priority 0", "0x3e00/0xff00",
                     "\ttmpl src " + self.router.to_string() + " dst " + peer.router.to_string() +
                         "\n\t\tproto esp spi 0x00000003 reqid 1 mode tunnel\n");
}

inline std::string own_pod_routes(const std::string& cidr, const std::string& router) {
  return cidr + " via " + router + " dev cilium_host src " + router + " \n" + router +
         " dev cilium_host scope link \n";
}

// `nodes` are ordered by their pod networks, as `ip route` lists them.
inline KernelPicture golden(const NodeSpec& self, const std::vector<NodeSpec>& nodes) {
  const std::string own = self.router.to_string();
  KernelPicture all{.rules = rules(own, self.pod_cidr.to_string()),
                    .main_routes = "default via 172.18.0.1 dev eth0 \n",
                    .encrypt_routes = "",
                    .states = state_text(IpAddress::any(Family::v4), self.router,
                                         "0xd00/0xf00 output-mark 0xd00/0xf00"),
                    .policies = policy_text("src 0.0.0.0/0 dst 0.0.0.0/0",
                                            "out action block priority 100", "0xe00/0xf00", "") +
                                receiving_policies(self),
                    .links = kLinks,
                    .addresses = "lo    inet 127.0.0.1/8 scope host lo\neth0    inet " +
                                 self.address.to_string() +
                                 "/16 brd 172.18.255.255 scope global eth0\ncilium_host    inet " +
                                 own + "/32 scope link cilium_host\n"};
  for (const NodeSpec& node : nodes) {
    const std::string cidr = node.pod_cidr.to_string();
    if (node == self) {
      all.main_routes += own_pod_routes(cidr, own);
      all.encrypt_routes += "local " + cidr + " dev eth0 proto 50 scope host \n";
      continue;
    }
    all.main_routes += cidr + " via " + node.address.to_string() + " dev eth0 \n";
    all.encrypt_routes += cidr + " dev cilium_host mtu 1500 \n";
    all.states += state_text(self.router, node.router, "0x3e00/0xff00 output-mark 0xe00/0xf00");
    all.policies += sending_policy(self, node);
  }
  all.policies +=
      policy_text("src ::/0 dst ::/0", "out action block priority 100", "0xe00/0xf00", "");
  all.main_routes +=
      "172.18.0.0/16 dev eth0 proto kernel scope link src " + self.address.to_string() + " \n";
  return all;
}

}  // namespace pellicle::lab::seed
