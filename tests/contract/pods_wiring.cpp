// Pods wired by create_pod_link() and start_pod(), checked with `ip`.
#include "agent/kernel/os_error.h"
#include "tests/contract/pods_samples.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

TEST_CASE("pods: a started pod shows the seed's addresses and routes") {
  FreshNamespace node;
  NamedNamespace pod("pod-seed");
  const PodSpec spec = seed_pod(pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  start_pod(spec, endpoint);

  CHECK(pod.shell("ip r s") ==
        "default via 10.0.1.138 dev eth0 mtu 1423 \n"
        "10.0.1.138 dev eth0 scope link \n");
  wait_until_up(pod, endpoint);
  const std::string mac = endpoint.pod_mac.to_string();
  CHECK(without(pod.shell("ip -4 a s dev eth0"), "(\\d+): eth0@if\\d+:", "N: eth0@ifM:") ==
        "N: eth0@ifM: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group "
        "default qlen 1000 link-netnsid 0\n"
        "    inet 10.0.1.52/32 scope global eth0\n"
        "       valid_lft forever preferred_lft forever\n");
  CHECK_THAT(pod.shell("ip a s dev eth0"),
             Contains("link/ether " + mac + " brd ff:ff:ff:ff:ff:ff"));
  CHECK_THAT(pod.shell("ip a s dev eth0"), Contains("inet6 fe80::"));
  CHECK_THAT(pod.shell("ip a s dev lo"), Contains("inet 127.0.0.1/8 scope host lo"));
  CHECK(pod.shell("ip neigh show") ==
        "10.0.1.138 dev eth0 lladdr " + endpoint.host_mac.to_string() + " PERMANENT \n");

  const std::string host_end = shell("ip -d link show dev " + endpoint.device);
  CHECK_THAT(host_end,
             Contains("<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP"));
  CHECK_THAT(host_end, Contains("link/ether " + endpoint.host_mac.to_string()));
  CHECK_THAT(host_end, Contains("alias pellicle pod default/net"));
  CHECK(shell("cat /proc/sys/net/ipv6/conf/" + endpoint.device + "/accept_ra") == "0\n");
  CHECK(missing_of_pod(spec, endpoint).empty());
  remove_pod_link(endpoint);
}

TEST_CASE("pods: the names derived from an id do not change and are fit for devices") {
  const Endpoint endpoint = pod_endpoint(seed_pod("/nowhere"));
  CHECK(endpoint.device.size() == 15);
  CHECK(endpoint.device == pod_device("sandbox-1"));
  CHECK(pod_device("sandbox-2") != endpoint.device);
  CHECK(endpoint.device == "lxc" + shell("printf sandbox-1 | sha256sum").substr(0, 12));
  CHECK((endpoint.pod_mac.bytes[0] & 3) == 2);
  CHECK((endpoint.host_mac.bytes[0] & 3) == 2);
  CHECK(endpoint.pod_mac != endpoint.host_mac);
  CHECK(endpoint == pod_endpoint(seed_pod("/nowhere")));
}

TEST_CASE("pods: both ends stay down until the pod is started, and it then reaches its gateway") {
  FreshNamespace node;
  NamedNamespace pod("pod-steps");
  const PodSpec spec = seed_pod(pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  CHECK_THAT(shell("ip link show dev " + endpoint.device), Contains("state DOWN"));
  CHECK_THAT(pod.shell("ip link show dev eth0"), Contains("state DOWN"));
  CHECK(missing_of_pod(spec, endpoint) == endpoint.device + " up");
  CHECK_FALSE(pod_is_wired(spec, endpoint));

  start_pod(spec, endpoint);
  CHECK(pod_is_wired(spec, endpoint));
  shell("ip addr add 10.0.1.138/32 dev lo");
  shell("ip route add 10.0.1.52/32 dev " + endpoint.device);
  CHECK(packets_answered(pod, "10.0.1.138", 2) == 2);
}

TEST_CASE("pods: create and start again change nothing, and complete what is half done") {
  FreshNamespace node;
  NamedNamespace pod("pod-again");
  const PodSpec spec = seed_pod(pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  start_pod(spec, endpoint);
  const auto everything = [&] {
    return pod.shell("sh -c 'ip -4 a; ip r; ip neigh'") +
           shell("ip -d link show dev " + endpoint.device);
  };
  wait_until_up(pod, endpoint);
  const std::string before = everything();
  CHECK(create_pod_link(spec) == endpoint);
  start_pod(spec, endpoint);
  CHECK(everything() == before);

  const std::pair<const char*, const char*> damages[] = {
      {"ip route del default", "default route via 10.0.1.138"},
      {"ip route change default via 10.0.1.138 dev eth0 mtu 1400", "default route via 10.0.1.138"},
      {"ip neigh del 10.0.1.138 dev eth0", "neighbour entry of the gateway 10.0.1.138"},
      {"ip link set lo down", "lo up"},
      {"ip addr del 10.0.1.52/32 dev eth0", "address 10.0.1.52"},
      {"ip link set eth0 down",
       "eth0 up, route 10.0.1.138, default route via 10.0.1.138, "
       "neighbour entry of the gateway 10.0.1.138"}};
  for (const auto& [damage, missing] : damages) {
    INFO(damage);
    pod.shell(damage);
    CHECK_THAT(missing_of_pod(spec, endpoint), Contains(missing));
    start_pod(spec, create_pod_link(spec));
    CHECK(pod_is_wired(spec, endpoint));
  }
  wait_until_up(pod, endpoint);
  CHECK(everything() == before);
}

TEST_CASE("pods: a new namespace under the same id gets the pod, the old pair goes") {
  FreshNamespace node;
  NamedNamespace old_pod("pod-old");
  NamedNamespace new_pod("pod-new");
  start_pod(seed_pod(old_pod.path()), create_pod_link(seed_pod(old_pod.path())));
  const PodSpec spec = seed_pod(new_pod.path());
  const Endpoint endpoint = create_pod_link(spec);
  start_pod(spec, endpoint);
  CHECK(pod_is_wired(spec, endpoint));
  CHECK(shell_status("nsenter --net=" + old_pod.path() + " ip link show dev eth0") != 0);
}

TEST_CASE("pods: what is taken by something else is refused in one sentence and left alone") {
  FreshNamespace node;
  NamedNamespace pod("pod-taken");
  const PodSpec spec = seed_pod(pod.path());
  SECTION("the device name in the pod") {
    pod.shell("ip link add eth0 type bridge");
    CHECK(sentence_of([&] { create_pod_link(spec); }) ==
          "wire pod default/net: /run/netns/pod-taken already has another device named eth0");
    CHECK_THAT(pod.shell("ip -d link show dev eth0"), Contains("bridge"));
  }
  SECTION("the device name on the node") {
    const std::string device = pod_endpoint(spec).device;
    shell("ip link add " + device + " type bridge");
    CHECK_THAT(sentence_of([&] { create_pod_link(spec); }),
               Contains("the node already has another device named " + device));
    remove_pod_link(pod_endpoint(spec));
    CHECK(shell_status("ip link show dev " + device) == 0);
  }
  SECTION("the address") {
    pod.shell("ip link add other type bridge");
    pod.shell("ip addr add 10.0.1.52/32 dev other");
    const Endpoint endpoint = create_pod_link(spec);
    CHECK(sentence_of([&] { start_pod(spec, endpoint); }) ==
          "start pod default/net: the address 10.0.1.52 is on another device of the pod");
    CHECK_FALSE(pod_is_wired(spec, endpoint));
  }
  SECTION("another address on our device") {
    const Endpoint endpoint = create_pod_link(spec);
    pod.shell("ip addr add 10.9.9.9/32 dev eth0");
    CHECK(sentence_of([&] { start_pod(spec, endpoint); }) ==
          "start pod default/net: eth0 has the address 10.9.9.9, not 10.0.1.52");
  }
  SECTION("the default route") {
    pod.shell("ip link add other up type bridge");
    pod.shell("ip route add default dev other");
    const Endpoint endpoint = create_pod_link(spec);
    CHECK(sentence_of([&] { start_pod(spec, endpoint); }) ==
          "start pod default/net: the default route via 10.0.1.138 goes over another device of the "
          "pod");
    CHECK_THAT(pod.shell("ip route"), Contains("default dev other"));
  }
}

TEST_CASE("pods: a pod without an address is refused before anything is made") {
  FreshNamespace node;
  NamedNamespace pod("pod-bare");
  PodSpec spec = seed_pod(pod.path());
  spec.addresses.clear();
  CHECK(sentence_of([&] { create_pod_link(spec); }) ==
        "wire pod default/net: expected at least one address");
  CHECK(shell_status("ip link show dev " + pod_device(spec.id)) != 0);
}

TEST_CASE("pods: a namespace that is missing, no namespace, or the node's own is refused") {
  FreshNamespace node;
  CHECK_THAT(sentence_of([&] { create_pod_link(seed_pod("/run/netns/nobody")); }),
             Contains("network namespace /run/netns/nobody: No such file or directory"));
  CHECK_THAT(sentence_of([&] { create_pod_link(seed_pod("/etc/hostname")); }),
             Contains("the file is no network namespace"));
  CHECK_THAT(sentence_of([&] { create_pod_link(seed_pod("/proc/thread-self/ns/net")); }),
             Contains("is the node's own network namespace"));
  CHECK_FALSE(Netns::exists("/run/netns/nobody"));
  CHECK_FALSE(Netns::exists("/proc/self/ns/mnt"));
  CHECK(Netns::exists("/proc/self/ns/net"));
}

TEST_CASE("pods: removing works twice, and after the pod's namespace has gone") {
  FreshNamespace node;
  Endpoint endpoint;
  PodSpec spec;
  {
    NamedNamespace pod("pod-gone");
    spec = seed_pod(pod.path());
    endpoint = create_pod_link(spec);
    start_pod(spec, endpoint);
    remove_pod_link(endpoint);
    CHECK(shell_status("ip link show dev " + endpoint.device) != 0);
    CHECK(missing_of_pod(spec, endpoint) == "device " + endpoint.device);
    start_pod(spec, create_pod_link(spec));
  }
  CHECK(missing_of_pod(spec, endpoint) == "network namespace /run/netns/pod-gone");
  remove_pod_link(endpoint);
  remove_pod_link(endpoint);
  CHECK(shell_status("ip link show dev " + endpoint.device) != 0);
}

TEST_CASE("netns: work runs inside, what it throws comes out, and the caller stays where it was") {
  FreshNamespace node;
  NamedNamespace other("pod-inside");
  const Netns here = Netns::of_this_thread();
  const Netns there(other.path());
  CHECK_FALSE(here == there);
  bool inside = false;
  there.run([&] { inside = Netns::of_this_thread() == there; });
  CHECK(inside);
  CHECK_THROWS_AS(there.run([] { throw OsError(EBUSY, "x"); }), OsError);
  CHECK(Netns::of_this_thread() == here);
}

}  // namespace this_file
