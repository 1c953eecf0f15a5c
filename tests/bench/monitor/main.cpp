// What monitor support costs the eBPF programs: the same packets through programs without it, and
// with it without a listener, with a listener to one event in a hundred, and to every event.
//
//   bench-monitor [rounds]   measurements of each, in turns
#include <netinet/in.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/figure.h"
#include "tests/bench/picture.h"
#include "tests/bench/test_run.h"

using namespace pellicle;
using bench::median;
using bench::require;

namespace {

// All events of one measurement fit into the ring, so writing them is what is measured.
constexpr int kPacketsAtOnce = 3000;
constexpr uint64_t kForEver = UINT64_MAX;
constexpr double kMostUnheard = 1;  // limit of the ratio, without a listener

// Uplink in: the mark that one run leaves makes the next run take the packet for a decrypted one,
// and that run clears it. So half are received and half decrypted.
constexpr std::array kPassages = {
    bench::Passage{"pell_lxc_in", "marked", "10.0.1.52", "10.0.0.249", IPPROTO_TCP},
    bench::Passage{"pell_uplink_in", "received, decrypted", "10.0.0.40", "10.0.1.138", IPPROTO_ESP},
    bench::Passage{"pell_host_out", "delivered", "10.0.0.249", "10.0.1.52", IPPROTO_TCP},
    bench::Passage{"pell_lxc_in", "dropped", "10.0.1.52", "10.0.2.77", IPPROTO_TCP},
    bench::Passage{"pell_uplink_out", "none: our ESP", "10.0.1.138", "10.0.0.40", IPPROTO_ESP}};

// The programs' event ring and listener map.
class Listening {
 public:
  explicit Listening(const bench::Programs& programs)
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

// Nanoseconds a packet, by listener.
struct Times {
  std::vector<double> without, nobody, sampled, every;
};

void measure(const bench::Passage& passage, const bench::Programs& without,
             const bench::Programs& with, Listening& listening, Times& times) {
  const auto packet = bench::frame(passage);
  times.without.push_back(without.run(passage.program, packet, kPacketsAtOnce));
  listening.set(0, 1);
  times.nobody.push_back(with.run(passage.program, packet, kPacketsAtOnce));
  require(listening.drain() == 0, "silence while nobody listens");
  listening.set(kForEver, 100);
  times.sampled.push_back(with.run(passage.program, packet, kPacketsAtOnce));
  listening.drain();
  listening.set(kForEver, 1);
  times.every.push_back(with.run(passage.program, packet, kPacketsAtOnce));
  const size_t events = listening.drain();
  const bool silent = std::string(passage.what).starts_with("none");
  require(events == (silent ? 0 : kPacketsAtOnce), "an event for every packet");
}

void print(const bench::Passage& passage, const Times& times) {
  struct Mode {
    const char* measure;
    const std::vector<double>& times;
    std::optional<double> most;  // limit of the ratio
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
  const bench::Programs without(PELLICLE_OBJECT_WITHOUT);
  const bench::Programs with(PELLICLE_OBJECT);
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
