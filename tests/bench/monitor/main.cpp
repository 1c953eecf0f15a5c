// What it costs the datapath's programs that somebody may listen: the same packets through programs
// without that, with nobody listening, with a listener to one event in a hundred and to every one.
//
//   bench-monitor [rounds]   so many measurements of each, in turns
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_records.h"
#include "tests/bench/figure.h"
#include "tests/bench/picture.h"

using namespace pellicle;

namespace {

// Events of one measurement fit into the ring, so that writing them is what is measured.
constexpr int kPacketsAtOnce = 3000;
constexpr uint64_t kForEver = UINT64_MAX;
constexpr double kMostUnheard = 1;  // of the ratio, with nobody listening

struct Passage {
  const char* program;
  const char* what;
  const char* src;
  const char* dst;
  uint8_t protocol;
};

// Uplink in: what a run leaves as the mark has the next one take the packet for one that was
// decrypted, and that one leaves none. Half of each.
constexpr std::array kPassages = {
    Passage{"pell_lxc_in", "marked", "10.0.1.52", "10.0.0.249", IPPROTO_TCP},
    Passage{"pell_uplink_in", "received, decrypted", "10.0.0.40", "10.0.1.138", IPPROTO_ESP},
    Passage{"pell_host_out", "delivered", "10.0.0.249", "10.0.1.52", IPPROTO_TCP},
    Passage{"pell_lxc_in", "dropped", "10.0.1.52", "10.0.2.77", IPPROTO_TCP},
    Passage{"pell_uplink_out", "none: our ESP", "10.0.1.138", "10.0.0.40", IPPROTO_ESP}};

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what + " failed");
}

std::vector<uint8_t> frame(const Passage& passage) {
  std::vector<uint8_t> bytes(14 + 20 + 64);
  bytes[12] = 0x08;
  bytes[14] = 0x45;
  bytes[17] = 84;
  bytes[23] = passage.protocol;
  const auto put = [&](size_t at, const char* text) {
    const auto address = IpAddress::parse(text).value();
    std::copy_n(address.data(), address.size(), bytes.begin() + static_cast<long>(at));
  };
  put(26, passage.src);
  put(30, passage.dst);
  return bytes;
}

// An object with its maps filled as on the seed's node worker.
class Programs {
 public:
  explicit Programs(const char* path) : object_(bpf_object__open(path)) {
    require(object_ != nullptr && bpf_object__load(object_) == 0, std::string("load ") + path);
    const uint32_t only = 0;
    const auto config = config_record({.v4 = {{.pod_cidr = Cidr::parse("10.0.1.0/24").value(),
                                               .router = IpAddress::parse("10.0.1.138").value()}},
                                       .v6 = {},
                                       .host_device = "cilium_host",
                                       .net_device = "cilium_net",
                                       .uplink = "eth0"},
                                      [](const std::string&) { return 7; });
    update_bytes(map(MAP_CONFIG), &only, &config, "the configuration");
    add_peer("10.0.0.0/24", 3);
    add_peer("10.0.2.0/24", 0);
    const auto pod = address_record(IpAddress::parse("10.0.1.52").value());
    const datapath::endpoint_value endpoint{.ifindex = 1};
    update_bytes(map(MAP_ENDPOINTS), &pod, &endpoint, "the endpoint");
  }
  ~Programs() { bpf_object__close(object_); }
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  int map(const char* name) const { return bpf_object__find_map_fd_by_name(object_, name); }

  // Nanoseconds a packet, as the kernel measures it.
  double run(const char* program, const std::vector<uint8_t>& packet) const {
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = packet.data();
    options.data_size_in = static_cast<uint32_t>(packet.size());
    options.repeat = kPacketsAtOnce;
    const auto* found = bpf_object__find_program_by_name(object_, program);
    require(bpf_prog_test_run_opts(bpf_program__fd(found), &options) == 0, program);
    return options.duration;
  }

 private:
  void add_peer(const char* cidr, uint32_t key_id) const {
    const auto key = peer_record_key({.cidr = Cidr::parse(cidr).value()});
    const datapath::peer_value value{.key_id = key_id, .node = 0};
    update_bytes(map(MAP_PEERS), &key, &value, "the peer");
  }

  bpf_object* object_;
};

// The ring of programs that have one, and who listens to it.
class Listening {
 public:
  explicit Listening(const Programs& programs)
      : switch_(programs.map(MAP_LISTENER)),
        ring_(ring_buffer__new(programs.map(MAP_EVENTS), count, &events_, nullptr)) {
    require(ring_ != nullptr, "open the ring");
  }
  ~Listening() { ring_buffer__free(ring_); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  void set(uint64_t until, uint32_t one_in) const {
    const datapath::listener listener{
        .until = until, .kinds = (1U << datapath::EVENT_KINDS) - 1, .one_in = one_in};
    const uint32_t only = 0;
    update_bytes(switch_, &only, &listener, "the listener");
  }
  size_t drain() {
    events_ = 0;
    ring_buffer__consume(ring_);
    return events_;
  }

 private:
  static int count(void* events, void*, size_t) {
    ++*static_cast<size_t*>(events);
    return 0;
  }
  size_t events_ = 0;
  int switch_;
  ring_buffer* ring_;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Nanoseconds a packet of one passage, by how programs are listened to.
struct Times {
  std::vector<double> without, nobody, sampled, every;
};

void measure(const Passage& passage, const Programs& without, const Programs& with,
             Listening& listening, Times& times) {
  const auto packet = frame(passage);
  times.without.push_back(without.run(passage.program, packet));
  listening.set(0, 1);
  times.nobody.push_back(with.run(passage.program, packet));
  require(listening.drain() == 0, "silence while nobody listens");
  listening.set(kForEver, 100);
  times.sampled.push_back(with.run(passage.program, packet));
  listening.drain();
  listening.set(kForEver, 1);
  times.every.push_back(with.run(passage.program, packet));
  const size_t events = listening.drain();
  const bool silent = std::string(passage.what).starts_with("none");
  require(events == (silent ? 0 : kPacketsAtOnce), "an event for every packet");
}

void print(const Passage& passage, const Times& times) {
  struct Mode {
    const char* measure;
    const std::vector<double>& times;
    std::optional<double> most;  // of the ratio
  };
  const double base = median(times.without);
  std::printf("%-15s  %-19s  %7.0f", passage.program, passage.what, base);
  const Mode modes[] = {{"monitor_nobody", times.nobody, kMostUnheard},
                        {"monitor_sampled", times.sampled, {}},
                        {"monitor_every", times.every, {}}};
  for (const auto& mode : modes) std::printf("  %8.2f", median(mode.times) / base);
  std::printf("\n");
  for (const auto& mode : modes) {
    bench::keep({.measure = mode.measure,
                 .at = std::string(passage.program) + ", " + passage.what,
                 .ours = median(mode.times),
                 .other = base,
                 .unit = "ns",
                 .target = mode.most});
  }
}

void run(size_t rounds) {
  const Programs without(PELLICLE_OBJECT_WITHOUT);
  const Programs with(PELLICLE_OBJECT);
  Listening listening(with);
  std::array<Times, kPassages.size()> times;
  for (size_t round = 0; round < rounds; ++round)
    for (size_t i = 0; i < kPassages.size(); ++i)
      measure(kPassages[i], without, with, listening, times[i]);
  std::printf("%zu times %d packets, medians: ns a packet without, and with as a ratio to it\n\n",
              rounds, kPacketsAtOnce);
  std::printf("%-15s  %-19s  %7s  %8s  %8s  %8s\n", "program", "event", "without", "nobody",
              "1 in 100", "every");
  bench::Picture picture;
  for (size_t i = 0; i < kPassages.size(); ++i) {
    print(kPassages[i], times[i]);
    picture.at_most(std::string(kPassages[i].program) + ", nobody listens",
                    median(times[i].nobody) / median(times[i].without), kMostUnheard);
  }
  picture.print();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::stoul(argv[1]) : 100);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-monitor: %s\n", error.what());
    return 1;
  }
}
