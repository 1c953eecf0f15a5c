// The cluster of the datapath contract, section 1, as its node `worker` sees it.
#pragma once

#include "agent/desired/desired.h"
#include "tests/harness/netfilter_tables.h"

namespace pellicle::seed {

inline IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

inline Cidr cidr(const char* text) {
  return Cidr::parse(text).value();
}

// A test key: 16 bytes of key and 4 of salt.
inline Algorithm gcm(uint8_t first_byte = 0) {
  std::vector<uint8_t> bytes;
  for (uint8_t i = 0; i < 20; ++i) bytes.push_back(static_cast<uint8_t>(first_byte + i));
  return Aead{.name = "rfc4106(gcm(aes))", .key = SecretBytes(bytes), .icv_bits = 128};
}

inline Node node(const char* name, const char* created, const char* pod_cidr,
                 const char* internal_ip, const char* router) {
  return {.name = name,
          .created = created,
          .pod_cidrs = {cidr(pod_cidr)},
          .internal_ipv4 = ip(internal_ip),
          .router_ipv4 = ip(router),
          .key_id = uint8_t{3}};
}

inline std::map<std::string, std::string> program_tags() {
  return {{"pell_uplink_in", "0000000000000001"},
          {"pell_uplink_out", "0000000000000002"},
          {"pell_net_in", "0000000000000003"},
          {"pell_host_out", "0000000000000004"},
          {"pell_lxc_in", "0000000000000005"}};
}

inline Inputs worker() {
  Inputs inputs;
  inputs.settings.node_name = "worker";
  inputs.settings.netfilter = !lacks_netfilter_tables();
  const auto add = [&](const Node& node) { inputs.nodes[node.name] = node; };
  add(node("control-plane", "2022-12-20T09:00:00Z", "10.0.2.0/24", "172.18.0.2", "10.0.2.52"));
  add(node("worker", "2022-12-20T09:01:00Z", "10.0.1.0/24", "172.18.0.3", "10.0.1.138"));
  add(node("worker2", "2022-12-20T09:02:00Z", "10.0.0.0/24", "172.18.0.4", "10.0.0.40"));
  inputs.key = IpsecKey{.id = 3, .algorithm = gcm()};
  inputs.endpoints = {{.id = "a1",
                       .name = "default/net",
                       .device = "lxc0123456789ab",
                       .addresses = {ip("10.0.1.52")},
                       .pod_mac = Mac::parse("02:00:00:00:01:01").value(),
                       .host_mac = Mac::parse("02:00:00:00:01:02").value()},
                      {.id = "b2",
                       .name = "default/cni-s22px",
                       .device = "lxcba9876543210",
                       .addresses = {ip("10.0.1.103")},
                       .pod_mac = Mac::parse("02:00:00:00:02:01").value(),
                       .host_mac = Mac::parse("02:00:00:00:02:02").value()}};
  inputs.host = {.uplinks = {{ip("172.18.0.3"), {.name = "eth0", .mtu = 1500}}},
                 .router_ipv4 = std::nullopt,
                 .program_tags = program_tags(),
                 .pod_devices = {"lxc0123456789ab", "lxcba9876543210"}};
  return inputs;
}

}  // namespace pellicle::seed
