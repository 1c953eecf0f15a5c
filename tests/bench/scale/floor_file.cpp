#include "tests/bench/scale/floor_file.h"

#include <linux/netlink.h>
#include <net/if.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "agent/kernel/bpf_records.h"
#include "agent/kernel/route_codec.h"
#include "agent/kernel/xfrm_policy_codec.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "tests/bench/scale/floor_section.h"

namespace pellicle::bench {

namespace {

struct Section {
  floor_section head{};
  std::vector<char> bytes;

  void add(const void* from, size_t size) {
    const auto* start = static_cast<const char*>(from);
    bytes.insert(bytes.end(), start, start + size);
  }
  void add(NetlinkMessage message, int flags) {
    auto& header = message.get();
    header.nlmsg_seq = FLOOR_SEQUENCE;
    header.nlmsg_flags |= static_cast<uint16_t>(flags);
    add(&header, header.nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));
    ++head.count;
  }
};

void write(std::ofstream& file, Section section) {
  section.head.bytes = static_cast<uint32_t>(section.bytes.size());
  file.write(reinterpret_cast<const char*>(&section.head), sizeof section.head);
  file.write(section.bytes.data(), static_cast<long>(section.bytes.size()));
}

Section netlink_section(uint32_t protocol) {
  return {.head = {.kind = protocol}, .bytes = {}};
}

Section map_section() {
  return {.head = {.kind = FLOOR_MAP,
                   .key_bytes = sizeof(datapath::peer_key),
                   .value_bytes = sizeof(datapath::peer_value)},
          .bytes = {}};
}

std::ofstream new_file(const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) throw std::runtime_error("write " + path);
  return file;
}

int index_of(const std::string& device) {
  return static_cast<int>(if_nametoindex(device.c_str()));
}

template <class Kind, class Visit>
void each(const Plan& plan, const Visit& visit) {
  for (const auto& operation : plan) {
    if (const auto* change = std::get_if<Change<Kind>>(&operation)) {
      if (change->action != Action::add) throw std::runtime_error("only additions were expected");
      visit(*change);
    }
  }
}

void add_entry(Section& section, const Change<PeerEntry>& change) {
  const auto key = peer_record_key(change.key);
  const datapath::peer_value value{.key_id = change.value.key_id, .node = change.value.node};
  section.add(&key, sizeof key);
  section.add(&value, sizeof value);
  ++section.head.count;
}

struct Rotation {
  Section states = netlink_section(NETLINK_XFRM);
  Section policies = netlink_section(NETLINK_XFRM);
  Section peers = map_section();
  Section old_policies = netlink_section(NETLINK_XFRM);
  Section old_states = netlink_section(NETLINK_XFRM);

  void add(const Change<State>& change) {
    if (change.action == Action::add) {
      states.add(encode_new_state(change.key, change.value, 0), NLM_F_ACK);
    } else if (change.action == Action::remove) {
      old_states.add(encode_delete_state(change.key), NLM_F_ACK);
    } else {
      throw std::runtime_error("a rotation replaces no state");
    }
  }
  void add(const Change<Policy>& change) {
    if (change.action == Action::add) {
      policies.add(encode_new_policy(change.key, change.value), NLM_F_ACK);
    } else if (change.action == Action::replace) {
      policies.add(encode_update_policy(change.key, change.value), NLM_F_ACK);
    } else {
      old_policies.add(encode_delete_policy(change.key), NLM_F_ACK);
    }
  }
  void add(const Change<PeerEntry>& change) { add_entry(peers, change); }
  template <class Kind>
  void add(const Change<Kind>&) {
    throw std::runtime_error("a rotation changes states, policies and peer entries alone");
  }
};

std::string hex(const SecretBytes& key) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text = "0x";
  for (size_t i = 0; i < key.size(); ++i) {
    text += kDigits[key.data()[i] >> 4];
    text += kDigits[key.data()[i] & 15];
  }
  return text;
}

std::string marked(const char* word, const Mark& mark) {
  return std::string(" ") + word + " " + std::to_string(mark.value) + " mask " +
         std::to_string(mark.mask);
}

// The keys come from tests/harness/seed_inputs.h and are not secret.
std::string line(const Change<State>& change) {
  const auto& [action, key, value] = change;
  const auto& aead = std::get<Aead>(value.algorithm);
  std::string text = "xfrm state add src " + value.src.to_string() + " dst " + key.dst.to_string() +
                     " proto esp spi " + std::to_string(key.spi) + " reqid " +
                     std::to_string(value.reqid) + " mode tunnel";
  if (value.esn) text += " flag esn replay-window " + std::to_string(value.replay_window);
  return text + " aead " + aead.name + " " + hex(aead.key) + " " + std::to_string(aead.icv_bits) +
         marked("mark", key.mark) + marked("output-mark", value.output_mark);
}

const char* word(Direction direction) {
  if (direction == Direction::out) return "out";
  return direction == Direction::in ? "in" : "fwd";
}

std::string line(const Change<Policy>& change) {
  const auto& [action, key, value] = change;
  std::string text = "xfrm policy add src " + key.src.to_string() + " dst " + key.dst.to_string() +
                     " dir " + word(key.direction) + marked("mark", key.mark) + " priority " +
                     std::to_string(value.priority);
  if (value.block) text += " action block";
  if (!value.tmpl) return text;
  text += " tmpl src " + value.tmpl->src.to_string() + " dst " + value.tmpl->dst.to_string() +
          " proto esp" + (value.tmpl->spi == 0 ? "" : " spi " + std::to_string(value.tmpl->spi)) +
          " reqid " + std::to_string(value.tmpl->reqid) + " mode tunnel";
  return value.tmpl->optional ? text + " level use" : text;
}

std::string line(const Change<Route>& change) {
  const auto& [action, key, value] = change;
  std::string text = "route add " +
                     std::string(value.type == RouteType::unicast ? "" : "unreachable ") +
                     key.dst.to_string();
  if (value.gateway) text += " via " + value.gateway->to_string();
  if (!value.dev.empty()) text += " dev " + value.dev + " scope " + std::to_string(value.scope);
  text += " table " + std::to_string(key.table) + " proto " + std::to_string(value.protocol);
  if (key.metric != 0) text += " metric " + std::to_string(key.metric);
  if (value.src) text += " src " + value.src->to_string();
  return value.mtu ? text + " mtu " + std::to_string(value.mtu) : text;
}

}  // namespace

void write_floor_file(const std::string& path, const Plan& plan) {
  auto states = netlink_section(NETLINK_XFRM);
  auto policies = netlink_section(NETLINK_XFRM);
  auto routes = netlink_section(NETLINK_ROUTE);
  auto peers = map_section();
  each<State>(plan, [&](const auto& change) {
    states.add(encode_new_state(change.key, change.value, 0), NLM_F_ACK);
  });
  each<Policy>(plan, [&](const auto& change) {
    policies.add(encode_new_policy(change.key, change.value), NLM_F_ACK);
  });
  each<Route>(plan, [&](const auto& change) {
    const int dev = index_of(change.value.dev);
    routes.add(encode_route(RouteVerb::add, change.key, change.value, dev), NLM_F_ACK);
  });
  each<PeerEntry>(plan, [&](const auto& change) { add_entry(peers, change); });
  auto file = new_file(path);
  for (const auto* section : {&states, &policies, &peers, &routes}) write(file, *section);
  if (!file.flush()) throw std::runtime_error("write " + path);
}

void write_floor_rotation(const std::string& path, const std::vector<Plan>& plans) {
  Rotation all;
  for (const auto& plan : plans) {
    for (const auto& operation : plan) {
      std::visit([&](const auto& change) { all.add(change); }, operation);
    }
  }
  auto file = new_file(path);
  for (const auto* section :
       {&all.states, &all.policies, &all.peers, &all.old_policies, &all.old_states}) {
    write(file, *section);
  }
  if (!file.flush()) throw std::runtime_error("write " + path);
}

void write_floor_dumps(const std::string& path, const KernelState& state) {
  auto file = new_file(path);
  const auto dump = [&](uint32_t protocol, NetlinkMessage request) {
    auto section = netlink_section(protocol);
    section.add(std::move(request), NLM_F_DUMP);
    write(file, std::move(section));
  };
  dump(NETLINK_XFRM, state_dump());
  dump(NETLINK_XFRM, policy_dump());
  auto peers = map_section();
  peers.head.count = static_cast<uint32_t>(state.peers.size() + state.node_peers.size());
  write(file, std::move(peers));
  dump(NETLINK_ROUTE, route_dump(Family::v4));
  dump(NETLINK_ROUTE, route_dump(Family::v6));
  if (!file.flush()) throw std::runtime_error("write " + path);
}

void write_ip_batch(const std::string& path, const Plan& plan) {
  auto file = new_file(path);
  const auto put = [&](const auto& change) { file << line(change) << "\n"; };
  each<State>(plan, put);
  each<Policy>(plan, put);
  each<Route>(plan, put);
  if (!file.flush()) throw std::runtime_error("write " + path);
}

}  // namespace pellicle::bench
