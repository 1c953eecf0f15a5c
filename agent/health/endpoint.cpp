#include "agent/health/endpoint.h"

#include <algorithm>

#include "agent/health/paths.h"
#include "agent/log.h"
#include "agent/pods/pod_addresses.h"

namespace pellicle {

namespace {

constexpr const char* kName = "health endpoint";

std::string listen_address(const IpAddress& address) {
  const auto text = address.to_string();
  return (address.family() == Family::v6 ? "[" + text + "]" : text) + ":" +
         std::to_string(kClusterHealthPort);
}

PodSpec spec_of(const PodNetwork& network, const std::vector<IpAddress>& addresses) {
  return {.id = kHealthDevice,
          .name = kName,
          .netns = {},
          .device = kHealthDevice,
          .addresses = with_gateways(addresses, network),
          .link_mtu = network.link_mtu,
          .route_mtu = network.route_mtu};
}

bool same(const PodSpec& a, const PodSpec& b) {
  const auto equal = [](const PodAddress& one, const PodAddress& other) {
    return one.address == other.address && one.gateway == other.gateway;
  };
  return a.link_mtu == b.link_mtu && a.route_mtu == b.route_mtu &&
         std::equal(a.addresses.begin(), a.addresses.end(), b.addresses.begin(), b.addresses.end(),
                    equal);
}

}  // namespace

std::unique_ptr<HealthServer> HealthEndpoint::server(const std::string& address) {
  return std::make_unique<HealthServer>(
      io_, address,
      HealthServer::Paths{{"/hello", [] { return HealthServer::Answer{.text = "hello\n"}; }}});
}

void HealthEndpoint::bring_about(const PodNetwork& network,
                                 const std::vector<IpAddress>& addresses) {
  auto spec = spec_of(network, addresses);
  if (endpoint_ && same(spec_, spec) && has_pod_link(*endpoint_)) return;
  endpoint_.reset();
  answers_.reset();
  netns_.reset();
  remove_pod_link(pod_endpoint(spec));  // a previous agent may have left it a moment ago
  if (spec.addresses.empty()) return;   // the address pool is exhausted
  netns_ = Netns::fresh();
  spec.netns = netns_->path();
  const auto made = create_pod_link(spec);
  for (const auto& refusal : datapath_.connect(made)) {
    throw KernelError(describe(refusal.operation) + ": " + refusal.sentence);
  }
  start_pod(spec, made);
  netns_->run([this] { answers_ = server(":" + std::to_string(kClusterHealthPort)); });
  spec_ = std::move(spec);
  endpoint_ = made;
  log::info("health endpoint made",
            {{"device", made.device}, {"address", listen_address(made.addresses.front())}});
}

void HealthEndpoint::answer_at(const std::vector<IpAddress>& addresses) {
  std::erase_if(node_answers_, [&](const auto& entry) {
    return std::find(addresses.begin(), addresses.end(), entry.first) == addresses.end();
  });
  for (const auto& address : addresses) {
    if (node_answers_.contains(address)) continue;
    node_answers_[address] = server(listen_address(address));
  }
}

}  // namespace pellicle
