#include "agent/model/objects.h"

#include <cstdio>

namespace pellicle {

namespace {

std::string hex(uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

const char* name(Direction direction) {
  switch (direction) {
    case Direction::in:
      return "in";
    case Direction::out:
      return "out";
    case Direction::fwd:
      return "fwd";
  }
  return "?";
}

std::string described(const Mark& mark) {
  return mark == Mark{} ? "" : " mark " + mark.to_string();
}

const char* name(RouteType type) {
  switch (type) {
    case RouteType::unicast:
      return "";
    case RouteType::local:
      return "local ";
    case RouteType::unreachable:
      return "unreachable ";
  }
  return "?";
}

const char* inet(Family family) {
  return family == Family::v4 ? "" : "-6 ";
}

}  // namespace

std::string Mark::to_string() const {
  return (value ? hex(value) : "0") + "/" + hex(mask);
}

bool State::operator==(const State& other) const {
  return src == other.src && reqid == other.reqid && output_mark == other.output_mark &&
         replay_window == other.replay_window && esn == other.esn &&
         same_algorithm(algorithm, other.algorithm);
}

uint8_t key_id_of(const State::Key& key) {
  constexpr uint32_t kSendMask = 0xff00;
  constexpr int kMarkShift = 12;
  if (key.mark.mask == kSendMask) return static_cast<uint8_t>(key.mark.value >> kMarkShift);
  return id_of_spi(key.spi);
}

uint8_t id_of_spi(uint32_t spi) {
  return static_cast<uint8_t>(spi & 0xf);
}

bool Attachment::is_auditor() const {
  return program == "pell_uplink_out" || program == "pell_l3_out";
}

bool Attachment::is_of_pod() const {
  return program == "pell_lxc_in";
}

std::vector<DatapathConfig::Network> DatapathConfig::networks() const {
  std::vector<Network> all;
  for (const auto& network : {v4, v6}) {
    if (network) all.push_back(*network);
  }
  return all;
}

std::strong_ordering Sysctl::Key::operator<=>(const Key& other) const {
  const auto rank = [](const std::string& text) {
    if (text.ends_with("/accept_ra")) return 0;
    return text == "net/ipv6/conf/all/forwarding" ? 2 : 1;
  };
  if (const auto order = rank(path) <=> rank(other.path); order != 0) return order;
  return path <=> other.path;
}

std::strong_ordering Route::Key::operator<=>(const Key& other) const {
  if (const auto order = table <=> other.table; order != 0) return order;
  if (const auto order = other.dst.length() <=> dst.length(); order != 0) return order;
  if (const auto order = dst <=> other.dst; order != 0) return order;
  return metric <=> other.metric;
}

std::string describe(const VethPair::Key& key, const VethPair& value) {
  return "link " + key.name + " type veth peer " + value.peer + " mtu " +
         std::to_string(value.mtu) + (value.noarp ? " arp off" : "") + (value.up ? " up" : "");
}

std::string describe(const Address::Key& key, const Address& value) {
  return "address " + key.address.to_string() + "/" + std::to_string(value.prefix_length) +
         (value.scope_link ? " scope link" : "") + " dev " + key.dev;
}

std::string describe(const Sysctl::Key& key, const Sysctl& value) {
  return "sysctl " + key.path + "=" + value.value;
}

std::string describe(const State::Key& key, const State& value) {
  return "state src " + value.src.to_string() + " dst " + key.dst.to_string() + " proto esp spi " +
         hex(key.spi) + " reqid " + std::to_string(value.reqid) + " mode tunnel" +
         described(key.mark) + " output-mark " + value.output_mark.to_string() + " " +
         algorithm_name(value.algorithm);
}

std::string describe(const Policy::Key& key, const Policy& value) {
  std::string text = "policy src " + key.src.to_string() + " dst " + key.dst.to_string() + " dir " +
                     name(key.direction) + " priority " + std::to_string(value.priority) +
                     described(key.mark);
  if (value.block) text += " action block";
  if (!value.block && !value.tmpl) text += " action allow";
  if (value.tmpl) {
    text += " tmpl src " + value.tmpl->src.to_string() + " dst " + value.tmpl->dst.to_string() +
            " proto esp";
    if (value.tmpl->spi) text += " spi " + hex(value.tmpl->spi);
    text += " reqid " + std::to_string(value.tmpl->reqid) + " mode tunnel";
    if (value.tmpl->optional) text += " level use";
  }
  return text;
}

std::string describe(const DatapathConfig::Key&, const DatapathConfig& value) {
  std::string text = "datapath config";
  for (const auto& network : value.networks()) {
    text += " local " + network.pod_cidr.to_string() + " router " + network.router.to_string();
  }
  for (const auto& address : {value.address4, value.address6}) {
    if (address) text += " address " + address->to_string();
  }
  text += " host " + value.host_device + " net " + value.net_device + " uplink " + value.uplink +
          (value.host_encryption ? " host encryption" : "");
  return text;
}

std::string describe(const PeerEntry::Key& key, const PeerEntry& value) {
  return (value.node ? "node " : "peer ") + key.cidr.to_string() +
         (value.key_id == 0 ? " drop" : " key " + std::to_string(value.key_id)) +
         (value.path == 0 ? "" : " path " + std::to_string(value.path));
}

std::string describe(const EndpointEntry::Key& key, const EndpointEntry& value) {
  return "endpoint " + key.address.to_string() + " dev " + value.device + " mac " +
         value.pod_mac.to_string();
}

std::string describe(const PodSource::Key& key, const PodSource&) {
  return "source " + key.cidr.to_string() + " dev " + key.device;
}

std::string describe(const AddressOwner::Key& key, const AddressOwner& value) {
  const auto clear_text = [](const char* to, ClearText verdict) {
    if (verdict == ClearText::passes) return std::string();
    return std::string(" clear text to ") + to +
           (verdict == ClearText::is_dropped ? " dropped" : " observed");
  };
  return "owner " + key.cidr.to_string() + " router " + value.router.to_string() +
         clear_text("pods", value.to_pods) + clear_text("node", value.to_node);
}

std::string describe(const Attachment::Key& key, const Attachment& value) {
  return "program " + value.program + " on " + key.dev + (key.ingress ? " ingress" : " egress") +
         " tag " + value.tag;
}

std::string describe(const NetfilterChain::Key& key, const NetfilterChain& value) {
  return std::string(key.family == Family::v4 ? "iptables" : "ip6tables") + " -t " + key.table +
         " chain " + key.chain + " from " + value.parent + ", " +
         std::to_string(value.rules.size()) + " rules";
}

std::string describe(const Route::Key& key, const Route& value) {
  std::string text = std::string("route ") + name(value.type) + key.dst.to_string();
  if (value.gateway) text += " via " + value.gateway->to_string();
  if (value.type != RouteType::unreachable) text += " dev " + value.dev;
  if (value.onlink) text += " onlink";
  if (key.table != 254) text += " table " + std::to_string(key.table);
  if (value.src) text += " src " + value.src->to_string();
  if (value.mtu) text += " mtu " + std::to_string(value.mtu);
  if (key.metric) text += " metric " + std::to_string(key.metric);
  return text;
}

std::string describe(const Rule::Key& key, const Rule&) {
  std::string text = std::string(inet(key.family)) + "rule " + std::to_string(key.priority) + ":";
  if (key.src) text += " from " + key.src->to_string();
  if (key.dst) text += " to " + key.dst->to_string();
  if (key.mark.mask) text += " fwmark " + key.mark.to_string();
  if (key.of_node) text += " iif lo";
  if (key.protocol) text += " ipproto " + std::to_string(key.protocol);
  return text + " lookup " + std::to_string(key.table);
}

std::string describe(const LocalRule::Key& key, const LocalRule& value) {
  std::string text = std::string(inet(key.family)) + "rule";
  for (const auto priority : value.priorities) text += " " + std::to_string(priority);
  return text + ": lookup local";
}

}  // namespace pellicle
