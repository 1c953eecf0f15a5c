// A router advertisement changes nothing in a pod or on its node.
#include "tests/contract/pods_router.h"
#include "tests/contract/pods_samples.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

int index_of(const std::string& ip_link_line) {
  return std::stoi(ip_link_line);
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
  // The answer to a ping on the same link shows that the advertisement before it was processed.
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

  // The same with accept_ra switched on: a running pod may change its own setting.
  pod.shell("sh -c 'echo 1 > /proc/sys/net/ipv6/conf/eth0/accept_ra'");
  CHECK_THAT(to_pod(), Contains("fd77") && Contains("proto ra"));
  CHECK(missing_of_pod(spec, endpoint).empty());
  shell("echo 1 > /proc/sys/net/ipv6/conf/" + endpoint.device + "/accept_ra");
  CHECK_THAT(to_node(), Contains("fd77") && Contains("proto ra"));
}

}  // namespace this_file
