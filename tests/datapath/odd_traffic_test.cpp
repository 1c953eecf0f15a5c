// Legitimate traffic that looks spoofed passes and is not counted as refused: hairpins, NodePorts
// with and without masquerading, back ends in a node's own network, a DNS server on the node,
// routers' ICMP errors, a node's privacy address, a pod's link-local address. Each case is one form
// of the key, with host encryption or without.
#include "tests/datapath/names.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

const std::string kOutside;  // the guest's root namespace: the router, and a client of NodePorts

void services_pass(Lab& lab) {
  const std::vector<std::string> addresses = {kServiceAddress, kServiceIpv6};
  for (const auto& [what, spec] : {std::pair{"masqueraded", ServiceSpec{}},
                                   {"externalTrafficPolicy Local", ServiceSpec{.local_only = true}},
                                   {"hostNetwork back ends", ServiceSpec{.host_network = true}}}) {
    CAPTURE(what);
    install_service(lab.network(), spec);
    // The back ends are cni-s22px itself, or beside it, and cni-fcnh6: four requests all miss the
    // hairpin in one of 16 runs, and there are twelve.
    for (const auto& address : addresses)
      for (int i = 0; i < 4; ++i) CHECK(lab.http_get("cni-s22px", http_url(address)).ok());
    for (const char* node : {"worker", "worker2"}) {
      for (const std::string& from : {kOutside, std::string("net"), std::string("cni-fcnh6")}) {
        CAPTURE(node, from);
        const auto& spec_of = lab.network().node(node);
        for (const IpAddress& address : {spec_of.address, spec_of.ipv6->address})
          for (int i = 0; i < 2; ++i)
            CHECK(lab.http_get(from, http_url(address.to_string(), kNodePort)).ok());
      }
    }
  }
}

void nodes_and_their_dns_pass(Lab& lab) {
  for (const NodeSpec& node : lab.network().nodes()) {
    for (const IpAddress& address : {node.address, node.ipv6->address}) {
      CAPTURE(address.to_string());
      CHECK(lab.http_get("net", http_url(address.to_string(), kHostNetworkPort)).ok());
      CHECK(lab.ping("net", address.to_string()).ok());
    }
  }
  // NodeLocal DNS: an address outside every network, and the DNS Service's, on a device of the
  // node; connections to both are untracked.
  must_in("worker", "ip link add nodelocaldns type dummy && ip link set nodelocaldns up");
  for (const char* address : {"169.254.20.10", "10.96.0.10"}) {
    CAPTURE(address);
    must_in("worker", std::string("ip address add ") + address + "/32 dev nodelocaldns && " +
                          iptables() + " -t raw -A PREROUTING -d " + address +
                          " -j CT --notrack && " + iptables() + " -t raw -A OUTPUT -s " + address +
                          " -j CT --notrack");
    CHECK(lab.http_get("net", http_url(address, kHostNetworkPort)).output == "worker\n");
  }
  CHECK(lab.http_get("worker", http_url(kRemotePod.v4)).ok());  // as it queries cluster DNS
}

void icmp_errors_pass() {
  const auto asked = [](const std::string& words) {
    return sh_in("net", "ping -c 1 -W 2 " + words);
  };
  for (const char* hops : {"-t 1 ", "-t 2 "}) {  // both nodes on the path to a remote pod
    CHECK_THAT(asked(hops + std::string(kRemotePod.v4)).output, Contains("exceeded"));
    CHECK_THAT(asked(hops + std::string(kRemotePod.v6)).output, Contains("exceeded"));
  }
  // A router's error about a masqueraded packet.
  must(
      "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 && "
      "ip route add unreachable 198.51.100.0/24 && ip -6 route add unreachable 2001:db8::/32");
  CHECK_THAT(asked("198.51.100.7").output, Contains("From 172.18.0.1") && Contains("nreachable"));
  CHECK_THAT(asked("2001:db8::7").output, Contains("From fd00:172::1") && Contains("nreachable"));
}

void addresses_that_no_node_tells_pass(Lab& lab) {
  // As with RFC 8981: an additional address of a node's device that its Node does not list.
  must_in("worker2", "ip address add fd00:172::bad:cafe/64 dev eth0 nodad");
  CHECK(sh_in("worker2", std::string("ping -c 1 -W 2 -I fd00:172::bad:cafe ") + kSelf.v6).ok());
  CHECK(lab.ping("net", "fd00:172::bad:cafe").ok());
  const auto link_local =
      must_in("worker", "ip -6 -o address show dev " + RawPod(lab, "net").lxc() +
                            " scope link | sed 's/.*inet6 //; s,/.*,,'");
  CHECK(lab.ping("net", link_local.substr(0, link_local.find('\n')) + "%eth0").ok());
}

void dhcp_is_refused(Names& names) {
  const NodeAgent& agent = names.lab.agent("worker");
  const uint64_t before = names.drops("worker", "forged");
  pellicle::Packet discover = with_text("0.0.0.0", "255.255.255.255", "a pod asks for an address");
  discover.to = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  std::copy_n(std::array<uint8_t, 4>{0, 68, 0, 67}.begin(), 4, discover.begins.begin());
  RawPod(names.lab, "net").broadcast(discover);
  CHECK(wait_until([&] { return names.drops("worker", "forged") == before + 1; }));
  CHECK_THAT(agent
                 .ctl("trace 0.0.0.0 255.255.255.255 --state-dir " + agent.state_dir() +
                      " --bpf-root " + agent.bpf_root())
                 .output,
             Contains("DHCP is refused"));
}

void check_odd_traffic(const NamesForm& form) {
  Names names(form);
  const uint64_t before = names.refused();
  services_pass(names.lab);
  nodes_and_their_dns_pass(names.lab);
  icmp_errors_pass();
  addresses_that_no_node_tells_pass(names.lab);
  CHECK(names.refused() == before);
  dhcp_is_refused(names);
  CHECK(names.lab.cleartext().empty());
}

}  // namespace

TEST_CASE("odd traffic passes: a key for each pair") {
  check_odd_traffic({});
}

TEST_CASE("odd traffic passes: a key for each pair, host encryption") {
  check_odd_traffic({.host_encryption = true});
}

TEST_CASE("odd traffic passes: one key for all") {
  check_odd_traffic({.one_key = true});
}

TEST_CASE("odd traffic passes: one key for all, host encryption") {
  check_odd_traffic({.one_key = true, .host_encryption = true});
}

}  // namespace this_file
