// What a router's advertisement can do to a pod and to its node: nothing.
#include <netinet/icmp6.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "agent/kernel/file_descriptor.h"
#include "tests/contract/pods_samples.h"
#include "tests/harness/catch.h"

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

// A router with the prefix fd77::/64, from which hosts are to make an address.
struct Advertisement {
  nd_router_advert router{};
  nd_opt_prefix_info prefix{};
};

Advertisement advertisement() {
  Advertisement message;
  message.router.nd_ra_type = ND_ROUTER_ADVERT;
  message.router.nd_ra_router_lifetime = htons(600);
  message.prefix.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION;
  message.prefix.nd_opt_pi_len = 4;  // in units of 8 bytes
  message.prefix.nd_opt_pi_prefix_len = 64;
  message.prefix.nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
  message.prefix.nd_opt_pi_valid_time = htonl(600);
  message.prefix.nd_opt_pi_preferred_time = htonl(600);
  message.prefix.nd_opt_pi_prefix.s6_addr[0] = 0xfd;
  message.prefix.nd_opt_pi_prefix.s6_addr[1] = 0x77;
  return message;
}

// To all on the device's link, from the network namespace of the calling thread. The kernel adds
// the checksum.
void advertise(int index) {
  const FileDescriptor socket(::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  REQUIRE(socket);
  const int hops = 255;  // others are not accepted
  REQUIRE(setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) == 0);
  sockaddr_in6 all_nodes{};
  all_nodes.sin6_family = AF_INET6;
  all_nodes.sin6_scope_id = static_cast<uint32_t>(index);
  all_nodes.sin6_addr.s6_addr[0] = 0xff;
  all_nodes.sin6_addr.s6_addr[1] = 0x02;
  all_nodes.sin6_addr.s6_addr[15] = 0x01;
  const Advertisement message = advertisement();
  REQUIRE(sendto(socket.get(), &message, sizeof message, 0,
                 reinterpret_cast<const sockaddr*>(&all_nodes),
                 sizeof all_nodes) == static_cast<ssize_t>(sizeof message));
}

int index_of(const std::string& ip_link_line) {
  return std::stoi(ip_link_line);
}

// A link-local address is the only one that may advertise; it takes a second or two to be of use.
std::string until_link_local(const std::string& device) {
  return "timeout 9 sh -c 'until ip -6 -o a show dev " + device +
         " scope link -tentative | grep -q fe80; do sleep 0.1; done'";
}

std::string solicitations(const std::string& device) {
  return "awk '$1 == \"Icmp6OutRouterSolicits\" {print $2}' /proc/thread-self/net/dev_snmp6/" +
         device;
}

}  // namespace

TEST_CASE(
    "pods: router advertisements change neither the pod nor the node, and none are asked for") {
  FreshNamespace node;
  NamedNamespace pod("pod-adverts");
  const PodSpec spec = dual_stack_pod(pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  start_pod(spec, endpoint);
  answer_as_gateway(spec, endpoint);
  shell(until_link_local(endpoint.device));
  pod.shell(until_link_local("eth0"));
  // A ping that follows it on the same link is answered after the advertisement has had its effect.
  const auto to_pod = [&] {
    advertise(index_of(shell("ip -o link show dev " + endpoint.device)));
    shell("ping -c 1 -W 2 fd00:10::52");
    return pod.shell("sh -c 'ip -6 a; ip -6 r'");
  };
  const auto to_node = [&] {
    const int eth0 = index_of(pod.shell("ip -o link show dev eth0"));
    Netns(pod.path()).run([&] { advertise(eth0); });
    pod.shell("ping -c 1 -W 2 fd00:10::138");
    return shell("sh -c 'ip -6 a; ip -6 r'");
  };
  CHECK_THAT(to_pod(), !Contains("fd77") && !Contains("proto ra"));
  CHECK_THAT(to_node(), !Contains("fd77") && !Contains("proto ra"));
  CHECK(shell(solicitations(endpoint.device)) == "0\n");
  CHECK(pod.shell(solicitations("eth0")) == "0\n");

  // The same with the setting undone: what a pod does about it once it runs is its own business.
  pod.shell("sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra'");
  CHECK_THAT(to_pod(), Contains("fd77") && Contains("proto ra"));
  CHECK(missing_of_pod(spec, endpoint).empty());
  shell("echo 1 > /proc/sys/net/ipv6/conf/" + endpoint.device + "/accept_ra");
  CHECK_THAT(to_node(), Contains("fd77") && Contains("proto ra"));
}
