// Runs the eBPF programs on one packet repeatedly (BPF_PROG_TEST_RUN), with maps like those of the
// seed's node worker. Attaches nothing and touches no device.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_records.h"

namespace pellicle::bench {

inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what + " failed");
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Passage {
  const char* program;
  const char* what;  // what happens to the packet
  const char* src;
  const char* dst;
  uint8_t protocol;
};

// An Ethernet header, the IP header of the addresses' family, and 64 bytes.
inline std::vector<uint8_t> frame(const Passage& passage) {
  const bool ipv4 = IpAddress::parse(passage.src).value().family() == Family::v4;
  std::vector<uint8_t> bytes(14 + (ipv4 ? 20 : 40) + 64);
  const auto put = [&](size_t at, std::initializer_list<uint8_t> values) {
    std::copy(values.begin(), values.end(), bytes.begin() + static_cast<long>(at));
  };
  const auto put_address = [&](size_t at, const char* text) {
    const auto address = IpAddress::parse(text).value();
    std::copy_n(address.data(), address.size(), bytes.begin() + static_cast<long>(at));
  };
  if (ipv4) {
    put(12, {0x08, 0x00, 0x45, 0, 0, 84});
    bytes[23] = passage.protocol;
    put_address(26, passage.src);
    put_address(30, passage.dst);
  } else {
    put(12, {0x86, 0xdd, 0x60, 0, 0, 0, 0, 64, passage.protocol, 64});
    put_address(22, passage.src);
    put_address(38, passage.dst);
  }
  return bytes;
}

class Programs {
 public:
  explicit Programs(const std::string& path) : object_(bpf_object__open(path.c_str())) {
    require(object_ != nullptr && bpf_object__load(object_) == 0, "load " + path);
    const auto network = [](const char* pods, const char* router) {
      return DatapathConfig::Network{Cidr::parse(pods).value(), IpAddress::parse(router).value()};
    };
    const auto config = config_record({.v4 = network("10.0.1.0/24", "10.0.1.138"),
                                       .v6 = network("fd00:10:1::/64", "fd00:10:1::8a"),
                                       .address4 = IpAddress::parse("172.18.0.3").value(),
                                       .address6 = IpAddress::parse("fd00:172::3").value(),
                                       .host_device = "cilium_host",
                                       .net_device = "cilium_net",
                                       .uplink = "eth0"},
                                      [](const std::string&) { return 7; });
    const uint32_t only = 0;
    update_bytes(map(MAP_CONFIG), &only, &config, "the configuration");
    add_peer("10.0.0.0/24", 3);
    add_peer("10.0.2.0/24", 0);
    add_peer("fd00:10::/64", 3);
    add_pod("10.0.1.52");
    add_pod("fd00:10:1::34");
  }
  ~Programs() { bpf_object__close(object_); }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // Negative: the object has no such map.
  int map(const char* name) const { return bpf_object__find_map_fd_by_name(object_, name); }

  // Nanoseconds a packet, measured by the kernel over `times` runs of a packet from a pod.
  double run(const char* program, const std::vector<uint8_t>& packet, int times) const {
    __sk_buff context{};
    context.ifindex = context.ingress_ifindex = kDevice;
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = packet.data();
    options.data_size_in = static_cast<uint32_t>(packet.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
    options.repeat = times;
    require(bpf_prog_test_run_opts(fd(program), &options) == 0, program);
    return options.duration;
  }
  // The verdict on one packet (TC_ACT_*), and the mark that it leaves (MARK_*).
  std::pair<uint32_t, uint32_t> outcome(const char* program,
                                        const std::vector<uint8_t>& packet) const {
    __sk_buff context{};
    context.ifindex = context.ingress_ifindex = kDevice;
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = packet.data();
    options.data_size_in = static_cast<uint32_t>(packet.size());
    options.ctx_in = options.ctx_out = &context;
    options.ctx_size_in = options.ctx_size_out = sizeof(context);
    options.repeat = 1;
    require(bpf_prog_test_run_opts(fd(program), &options) == 0, program);
    return {options.retval, context.mark};
  }
  // Whether the kernel has compiled the program (JIT).
  bool is_compiled(const char* program) const {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    require(bpf_obj_get_info_by_fd(fd(program), &info, &size) == 0, program);
    return info.jited_prog_len > 0;
  }

 private:
  static constexpr uint32_t kDevice = 1;  // lo: exists in every network namespace

  int fd(const char* program) const {
    const auto* found = bpf_object__find_program_by_name(object_, program);
    require(found != nullptr, std::string("find ") + program);
    return bpf_program__fd(found);
  }
  void add_peer(const char* text, uint32_t key_id) const {
    const auto cidr = Cidr::parse(text).value();
    const datapath::peer_value value{.key_id = key_id, .node = 0, .path = 0};
    const auto key = peer_record_key({.cidr = cidr});
    const auto key6 = peer6_record_key({.cidr = cidr});
    if (cidr.family() == Family::v4) {
      update_bytes(map(MAP_PEERS), &key, &value, "the peer");
    } else {
      update_bytes(map(MAP_PEERS6), &key6, &value, "the peer");
    }
  }
  void add_pod(const char* text) const {
    const auto address = IpAddress::parse(text).value();
    const auto pod = address_record(address);
    const datapath::endpoint_value endpoint{.ifindex = kDevice};
    const char* name = address.family() == Family::v4 ? MAP_ENDPOINTS : MAP_ENDPOINTS6;
    update_bytes(map(name), &pod, &endpoint, "the endpoint");
  }

  bpf_object* object_;
};

}  // namespace pellicle::bench
