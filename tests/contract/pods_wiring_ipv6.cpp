// Pods with an IPv6 address, alone or beside an IPv4 address, checked with `ip`.
#include "agent/kernel/os_error.h"
#include "tests/contract/pods_samples.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kGateway = "fd00:10::138";

// The routes that do not depend on duplicate address detection of the link-local address.
std::string routes_of(const NamedNamespace& pod) {
  return without(pod.shell("ip -6 route show"), "fe80::[^\n]*\n", "");
}

std::string everything(const NamedNamespace& pod, const Endpoint& endpoint) {
  return pod.shell(
             "sh -c 'ip -4 a; ip -6 a show scope global; ip r; ip neigh show nud permanent'") +
         routes_of(pod) + shell("ip -d link show dev " + endpoint.device);
}

std::string setting(const NamedNamespace& pod, const std::string& device, const char* name) {
  return pod.shell("cat /proc/sys/net/ipv6/conf/" + device + "/" + name);
}

void set(const NamedNamespace& pod, const std::string& device, const char* name, int value) {
  pod.shell("sh -c 'echo " + std::to_string(value) + " > /proc/sys/net/ipv6/conf/" + device + "/" +
            name + "'");
}

Endpoint wire(const PodSpec& spec) {
  Endpoint endpoint = create_pod_link(spec);
  start_pod(spec, endpoint);
  return endpoint;
}

}  // namespace

TEST_CASE("pods: an IPv6 address is of use at once, and the first packet reaches the gateway") {
  FreshNamespace node;
  NamedNamespace pod("pod-six");
  const PodSpec spec = ipv6_pod(pod.path());
  const Endpoint endpoint = wire(spec);
  CHECK_THAT(pod.shell("ip -6 a show dev eth0 tentative"), !Contains("fd00:10::52"));
  answer_as_gateway(spec, endpoint);
  CHECK(packets_answered(pod, kGateway, 1) == 1);

  CHECK_THAT(pod.shell("ip -6 a show dev eth0"),
             Contains("    inet6 fd00:10::52/128 scope global nodad \n"
                      "       valid_lft forever preferred_lft forever\n"));
  CHECK(routes_of(pod) ==
        "fd00:10::52 dev eth0 proto kernel metric 256 pref medium\n"
        "fd00:10::138 dev eth0 metric 1024 pref medium\n"
        "default via fd00:10::138 dev eth0 metric 1024 mtu 1423 pref medium\n");
  CHECK(pod.shell("ip -6 neigh show nud permanent") ==
        "fd00:10::138 dev eth0 lladdr " + endpoint.host_mac.to_string() + " PERMANENT \n");
  CHECK(pod.shell("sh -c 'ip -4 a show dev eth0; ip -4 r; ip -4 neigh'").empty());
  CHECK(missing_of_pod(spec, endpoint).empty());
}

TEST_CASE("pods: with both families each has its address, routes and gateway") {
  FreshNamespace node;
  NamedNamespace pod("pod-dual");
  const PodSpec spec = dual_stack_pod(pod.path());
  const Endpoint endpoint = wire(spec);
  CHECK(endpoint.addresses == std::vector{spec.addresses[0].address, spec.addresses[1].address});
  CHECK(pod.shell("ip r s") ==
        "default via 10.0.1.138 dev eth0 mtu 1423 \n"
        "10.0.1.138 dev eth0 scope link \n");
  CHECK_THAT(routes_of(pod), Contains("default via fd00:10::138 dev eth0 metric 1024 mtu 1423"));
  CHECK_THAT(pod.shell("ip a show dev eth0 scope global"),
             Contains("inet 10.0.1.52/32") && Contains("inet6 fd00:10::52/128"));
  answer_as_gateway(spec, endpoint);
  CHECK(packets_answered(pod, "10.0.1.138", 1) == 1);
  CHECK(packets_answered(pod, kGateway, 1) == 1);
  CHECK(missing_of_pod(spec, endpoint).empty());
}

TEST_CASE("pods: with both families too, again changes nothing and completes what was damaged") {
  FreshNamespace node;
  NamedNamespace pod("pod-again");
  const PodSpec spec = dual_stack_pod(pod.path());
  const Endpoint endpoint = wire(spec);
  wait_until_up(pod, endpoint);
  const std::string before = everything(pod, endpoint);
  CHECK(wire(spec) == endpoint);
  CHECK(everything(pod, endpoint) == before);

  const std::pair<const char*, const char*> damages[] = {
      {"ip -6 route del default", "default route via fd00:10::138"},
      {"ip -6 route change default via fd00:10::138 dev eth0 mtu 1400",
       "default route via fd00:10::138"},
      {"ip -6 route del fd00:10::138", "route fd00:10::138"},
      {"ip -6 neigh del fd00:10::138 dev eth0", "neighbour entry of the gateway fd00:10::138"},
      {"ip -6 neigh change fd00:10::138 dev eth0 lladdr 02:00:00:00:00:09 nud permanent",
       "neighbour entry of the gateway fd00:10::138"},
      {"ip -6 addr del fd00:10::52/128 dev eth0", "address fd00:10::52"},
      {"sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6'",
       "IPv6 on eth0, address fd00:10::52, route fd00:10::138, default route via fd00:10::138, "
       "neighbour entry of the gateway fd00:10::138"},
      {"ip link set eth0 down",
       "address fd00:10::52, eth0 up, "
       "route 10.0.1.138, default route via 10.0.1.138, neighbour entry of the gateway 10.0.1.138, "
       "route fd00:10::138, default route via fd00:10::138, "
       "neighbour entry of the gateway fd00:10::138"}};
  for (const auto& [damage, missing] : damages) {
    INFO(damage);
    pod.shell(damage);
    CHECK(missing_of_pod(spec, endpoint) == missing);
    wire(spec);
    CHECK(pod_is_wired(spec, endpoint));
  }
  wait_until_up(pod, endpoint);
  CHECK(everything(pod, endpoint) == before);
}

TEST_CASE("pods: a pod with IPv4 alone is given IPv6 beside it") {
  FreshNamespace node;
  NamedNamespace pod("pod-more");
  wire(seed_pod(pod.path()));
  const PodSpec spec = dual_stack_pod(pod.path());
  const Endpoint endpoint = wire(spec);
  CHECK(missing_of_pod(spec, endpoint).empty());
}

TEST_CASE("pods: IPv6 that is off in a pod is switched on for an IPv6 address only") {
  FreshNamespace node;
  NamedNamespace pod("pod-off");
  set(pod, "all", "disable_ipv6", 1);
  set(pod, "default", "disable_ipv6", 1);
  SECTION("wanted") {
    const PodSpec spec = dual_stack_pod(pod.path());
    const Endpoint endpoint = wire(spec);
    CHECK(missing_of_pod(spec, endpoint).empty());
    answer_as_gateway(spec, endpoint);
    CHECK(packets_answered(pod, kGateway, 1) == 1);
    CHECK(packets_answered(pod, "fd00:10::52", 1) == 1);  // its own address, over lo
    CHECK(setting(pod, "all", "disable_ipv6") == "1\n");
  }
  SECTION("not wanted") {
    const PodSpec spec = seed_pod(pod.path());
    const Endpoint endpoint = wire(spec);
    CHECK(missing_of_pod(spec, endpoint).empty());
    CHECK(setting(pod, "eth0", "disable_ipv6") == "1\n");
    CHECK(setting(pod, "lo", "disable_ipv6") == "1\n");
  }
}

TEST_CASE("pods: a device that cannot have IPv6 is refused for an IPv6 address only") {
  FreshNamespace node;
  NamedNamespace pod("pod-small");
  PodSpec spec = dual_stack_pod(pod.path());
  spec.link_mtu = 1279;
  const Endpoint endpoint = create_pod_link(spec);
  const std::string sentence =
      "no IPv6 can be had on eth0, which is to have fd00:10::52 (a kernel without IPv6, or an MTU "
      "below 1280)";
  CHECK(sentence_of([&] { start_pod(spec, endpoint); }) == "start pod default/net: " + sentence);
  spec.addresses.pop_back();
  start_pod(spec, endpoint);
  CHECK(missing_of_pod(spec, endpoint).empty());
}

TEST_CASE("pods: an IPv6 place that is taken is refused in one sentence and left alone") {
  FreshNamespace node;
  NamedNamespace pod("pod-taken");
  const PodSpec spec = dual_stack_pod(pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  std::string sentence;
  SECTION("the address") {
    pod.shell("ip link add other up type bridge");
    pod.shell("ip addr add fd00:10::52/128 dev other");
    sentence = "the address fd00:10::52 is on another device of the pod";
  }
  SECTION("another address on our device") {
    pod.shell("ip addr add fd00:10::99/128 dev eth0");
    sentence = "eth0 has the address fd00:10::99, not fd00:10::52";
  }
  SECTION("the default route") {
    pod.shell("ip link add other up type dummy");
    pod.shell("ip -6 route add default dev other metric 9");
    sentence = "the default route via fd00:10::138 goes over another device of the pod";
  }
  CHECK(sentence_of([&] { start_pod(spec, endpoint); }) == "start pod default/net: " + sentence);
  CHECK_THAT(pod.shell("ip link show dev eth0"), Contains("state DOWN"));
}

}  // namespace this_file
