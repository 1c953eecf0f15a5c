#include "tests/bpf/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "bpf/object.h"
#include "tests/harness/catch.h"

namespace pellicle {

namespace {

// Repeats a write that finds no memory, as BpfDatapath does.
void write(int map, const void* key, const void* value) {
  for (int tries = 0; bpf_map_update_elem(map, key, value, BPF_ANY) != 0; ++tries) {
    REQUIRE((errno == ENOMEM && tries < 10));
    usleep(5000);
  }
}

}  // namespace

void Programs::Close::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  out << "verdict " << outcome.verdict << " mark 0x" << std::hex << outcome.mark << " frame";
  for (size_t i = 0; i < outcome.frame.size() && i < 40; ++i)
    out << (i % 2 == 0 ? " " : "") << (outcome.frame[i] >> 4) << (outcome.frame[i] & 15);
  return out << std::dec << " (" << outcome.frame.size() << " bytes)";
}

std::ostream& operator<<(std::ostream& out, const Dropped& dropped) {
  return out << dropped.packets << " packets, " << dropped.bytes << " bytes";
}

Programs::Programs() {
  const auto size = static_cast<size_t>(pellicle_datapath_object_end - pellicle_datapath_object);
  object_.reset(bpf_object__open_mem(pellicle_datapath_object, size, nullptr));
  REQUIRE(object_ != nullptr);
  REQUIRE(bpf_object__load(object_.get()) == 0);
}

int Programs::map(const char* name) const {
  const int fd = bpf_object__find_map_fd_by_name(object_.get(), name);
  INFO(name);
  REQUIRE(fd >= 0);
  return fd;
}

void Programs::end_turn() {
  const uint32_t only = 0;
  uint64_t turn = 0;
  REQUIRE(bpf_map_lookup_elem(map(MAP_TURN), &only, &turn) == 0);
  ++turn;
  write(map(MAP_TURN), &only, &turn);
}

void Programs::configure(const datapath::datapath_config& config) {
  const uint32_t only = 0;
  write(map(MAP_CONFIG), &only, &config);
}

void Programs::set_peer(const std::string& address, uint32_t prefix_length, uint32_t key_id,
                        bool node, uint16_t path) {
  const datapath::peer_value value{.key_id = key_id, .node = node, .path = path};
  if (address.find(':') != std::string::npos) {
    const datapath::peer6_key key{.prefix_length = prefix_length,
                                  .address = pellicle::address(address)};
    write(map(MAP_PEERS6), &key, &value);
    return;
  }
  const datapath::peer_key key{.prefix_length = prefix_length, .address = ipv4(address)};
  write(map(MAP_PEERS), &key, &value);
}

void Programs::set_endpoint(const std::string& address, const datapath::endpoint_value& endpoint) {
  const auto key = pellicle::address(address);  // an IPv4 address is the first word
  const char* name = address.find(':') != std::string::npos ? MAP_ENDPOINTS6 : MAP_ENDPOINTS;
  write(map(name), &key, &endpoint);
  end_turn();
}

void Programs::remove_endpoint(const std::string& address) {
  const auto key = pellicle::address(address);
  const char* name = address.find(':') != std::string::npos ? MAP_ENDPOINTS6 : MAP_ENDPOINTS;
  REQUIRE(bpf_map_delete_elem(map(name), &key) == 0);
}

void Programs::set_owner(const std::string& address, uint32_t prefix_length,
                         const std::string& router, datapath::clear_text to_pods,
                         datapath::clear_text to_node) {
  const datapath::owner_value value{.router = pellicle::address(router),
                                    .to_pods = static_cast<uint16_t>(to_pods),
                                    .to_node = static_cast<uint16_t>(to_node)};
  const datapath::peer6_key key{.prefix_length = prefix_length,
                                .address = pellicle::address(address)};
  const char* name = address.find(':') != std::string::npos ? MAP_OWNERS6 : MAP_OWNERS;
  write(map(name), &key, &value);
  end_turn();
}

void Programs::remove_owner(const std::string& address, uint32_t prefix_length) {
  const datapath::peer6_key key{.prefix_length = prefix_length,
                                .address = pellicle::address(address)};
  const char* name = address.find(':') != std::string::npos ? MAP_OWNERS6 : MAP_OWNERS;
  REQUIRE(bpf_map_delete_elem(map(name), &key) == 0);
}

Dropped Programs::forged(datapath::forgery_kind kind, const std::string& sender,
                         const std::string& owner) const {
  const datapath::forgery key{.sender = address(sender),
                              .owner = address(owner),
                              .family = owner.find(':') != std::string::npos ? 10U : 2U,
                              .kind = static_cast<uint32_t>(kind)};
  datapath::drop_value value{};
  if (bpf_map_lookup_elem(map(MAP_FORGERIES), &key, &value) != 0) return {};
  return {value.packets, value.bytes};
}

void Programs::set_source(uint32_t ifindex, const std::string& address, uint32_t prefix_length) {
  const bool ipv6 = address.find(':') != std::string::npos;
  const datapath::source_key key{.prefix_length = 64 + prefix_length,
                                 .ifindex = ifindex,
                                 .family = ipv6 ? 10U : 2U,
                                 .address = pellicle::address(address)};
  const uint32_t unused = 0;
  write(map(MAP_SOURCES), &key, &unused);
  end_turn();
}

std::optional<Outcome> Programs::try_run(const std::string& program, const Bytes& frame,
                                         uint32_t mark, uint32_t ifindex, int times) const {
  const bpf_program* found = bpf_object__find_program_by_name(object_.get(), program.c_str());
  INFO(program);
  REQUIRE(found != nullptr);
  __sk_buff context{};
  context.mark = mark;
  context.ifindex = ifindex;
  context.ingress_ifindex = ifindex;
  Bytes out(frame.size() + 256);
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.data_out = out.data();
  options.data_size_out = static_cast<uint32_t>(out.size());
  options.ctx_in = options.ctx_out = &context;
  options.ctx_size_in = options.ctx_size_out = sizeof(context);
  options.repeat = times;
  const int error = bpf_prog_test_run_opts(bpf_program__fd(found), &options);
  if (error == -EINVAL) return std::nullopt;
  REQUIRE(error == 0);
  out.resize(options.data_size_out);
  return Outcome{static_cast<int>(options.retval), context.mark, out};
}

Outcome Programs::run(const std::string& program, const Bytes& frame, uint32_t mark,
                      uint32_t ifindex) const {
  const auto outcome = try_run(program, frame, mark, ifindex);
  REQUIRE(outcome.has_value());
  return *outcome;
}

Outcome Programs::run_twice(const std::string& program, const Bytes& frame, uint32_t mark) const {
  const auto outcome = try_run(program, frame, mark, 1, 2);
  REQUIRE(outcome.has_value());
  return *outcome;
}

Drops Programs::drops() const {
  const auto cpus = static_cast<size_t>(libbpf_num_possible_cpus());
  Drops drops;
  for (uint32_t reason = 0; reason < datapath::DROP_REASONS; ++reason) {
    std::vector<datapath::drop_value> values(cpus);
    REQUIRE(bpf_map_lookup_elem(map(MAP_DROPS), &reason, values.data()) == 0);
    Dropped sum;
    for (const auto& value : values) {
      sum.packets += value.packets;
      sum.bytes += value.bytes;
    }
    if (sum != Dropped{}) drops[static_cast<datapath::drop_reason>(reason)] = sum;
  }
  return drops;
}

void Programs::attach(const std::string& program, const std::string& device, bool ingress) const {
  INFO(program << " on " << device);
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  hook.attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  const int created = bpf_tc_hook_create(&hook);
  REQUIRE((created == 0 || created == -EEXIST));
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.prog_fd =
      bpf_program__fd(bpf_object__find_program_by_name(object_.get(), program.c_str()));
  REQUIRE(bpf_tc_attach(&hook, &options) == 0);
}

datapath::datapath_config worker(uint32_t host_ifindex, uint32_t net_ifindex,
                                 uint32_t uplink_ifindex) {
  return {.v4 = {.prefix = address("10.0.1.0"),
                 .mask = mask("10.0.1.0", 24),
                 .router = address("10.0.1.138"),
                 .address = address("172.18.0.3")},
          .v6 = {.prefix = address("fd00:10:1::"),
                 .mask = mask("fd00:10:1::", 64),
                 .router = address("fd00:10:1::8a"),
                 .address = address("fd00:172::3")},
          .host_ifindex = host_ifindex,
          .net_ifindex = net_ifindex,
          .uplink_ifindex = uplink_ifindex};
}

Programs configured(const datapath::datapath_config& config) {
  Programs programs;
  programs.configure(config);
  programs.set_peer("10.0.0.0", 24, 3);
  programs.set_peer("10.0.2.0", 24, datapath::KEY_NOT_YET);
  programs.set_peer("fd00:10::", 64, 3);
  programs.set_peer("fd00:10:2::", 64, datapath::KEY_NOT_YET);
  for (const char* pod : {"10.0.1.52", "fd00:10:1::34"}) programs.set_endpoint(pod, {.ifindex = 1});
  return programs;
}

}  // namespace pellicle
