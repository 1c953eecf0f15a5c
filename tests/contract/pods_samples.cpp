#include "tests/contract/pods_samples.h"

#include <regex>

#include "agent/kernel/os_error.h"

namespace pellicle::contract {

namespace {

const PodAddress kSeedAddress{.address = *IpAddress::parse("10.0.1.52"),
                              .gateway = *IpAddress::parse("10.0.1.138")};
const PodAddress kIpv6Address{.address = *IpAddress::parse("fd00:10::52"),
                              .gateway = *IpAddress::parse("fd00:10::138")};

}  // namespace

PodSpec seed_pod(const std::string& netns) {
  return {.id = "sandbox-1",
          .name = "default/net",
          .netns = netns,
          .addresses = {kSeedAddress},
          .link_mtu = 1500,
          .route_mtu = 1423};
}

PodSpec ipv6_pod(const std::string& netns) {
  PodSpec spec = seed_pod(netns);
  spec.addresses = {kIpv6Address};
  return spec;
}

PodSpec dual_stack_pod(const std::string& netns) {
  PodSpec spec = seed_pod(netns);
  spec.addresses = {kSeedAddress, kIpv6Address};
  return spec;
}

std::string without(const std::string& text, const std::string& pattern, const std::string& put) {
  return std::regex_replace(text, std::regex(pattern), put);
}

std::string sentence_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const OsError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

void wait_until_up(const NamedNamespace& pod, const Endpoint& endpoint) {
  const auto wait = [](const std::string& device) {
    return "timeout 9 sh -c 'until ip link show " + device +
           " | grep -q \"state UP\"; do sleep 0.1; done'";
  };
  pod.shell(wait("eth0"));
  shell(wait(endpoint.device));
}

int packets_answered(const NamedNamespace& pod, const std::string& address, int count) {
  const std::string ping = "ping -c " + std::to_string(count) + " -i 0.2 -W 2 " + address;
  return std::stoi(without(pod.shell("sh -c '" + ping + " | grep received'"),
                           R"([\s\S]*?(\d+) received[\s\S]*)", "$1"));
}

void answer_as_gateway(const PodSpec& spec, const Endpoint& endpoint) {
  for (const PodAddress& given : spec.addresses) {
    const std::string pod = given.address.to_string();
    shell("ip addr add " + Cidr::host(given.gateway).to_string() + " dev lo");
    const std::string network = Cidr::host(given.address).to_string();
    shell("ip route add " + network + " dev " + endpoint.device);
    shell("ip neigh add " + pod + " lladdr " + endpoint.pod_mac.to_string() + " dev " +
          endpoint.device + " nud permanent");
  }
}

}  // namespace pellicle::contract
