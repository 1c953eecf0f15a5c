// What checking a packet's source costs: the same packets through the programs with and without
// these checks. Needs a kernel that compiles the programs.
//
//   bench-sources [rounds]   measurements of each, in turns
#include <linux/pkt_cls.h>
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

constexpr int kPacketsAtOnce = 100'000;
constexpr double kMostNanoseconds = 5;  // a packet

// Half are received and half decrypted: the mark that one run leaves makes the next run take the
// packet for a decrypted one, and that run clears it.
constexpr std::array kPassages = {
    bench::Passage{"pell_lxc_in", "marked", "10.0.1.52", "10.0.0.249", IPPROTO_TCP},
    bench::Passage{"pell_lxc_in", "marked, IPv6", "fd00:10:1::34", "fd00:10::f9", IPPROTO_TCP},
    bench::Passage{"pell_lxc_in", "for the world", "10.0.1.52", "8.8.8.8", IPPROTO_TCP},
    bench::Passage{"pell_uplink_in", "received, decrypted", "10.0.0.40", "10.0.1.138", IPPROTO_ESP},
    bench::Passage{"pell_uplink_in", "received, decrypted, IPv6", "fd00:10::28", "fd00:10:1::8a",
                   IPPROTO_ESP},
    bench::Passage{"pell_uplink_in", "from the world", "8.8.8.8", "10.0.1.52", IPPROTO_TCP},
    bench::Passage{"pell_uplink_in", "between nodes", "172.18.0.4", "172.18.0.3", IPPROTO_TCP}};

// Address owners of so many more nodes, so that a lookup walks a trie of realistic depth.
constexpr int kFurtherNodes = 1000;

void add_owner(const bench::Programs& programs, const std::string& text, const std::string& router,
               ClearText to_pods, ClearText to_node) {
  const auto cidr = Cidr::parse(text).value();
  const auto value = owner_record(
      {.router = IpAddress::parse(router).value(), .to_pods = to_pods, .to_node = to_node});
  const auto key = peer_record_key({.cidr = cidr});
  const auto key6 = peer6_record_key({.cidr = cidr});
  if (cidr.family() == Family::v4) {
    update_bytes(programs.map(MAP_OWNERS), &key, &value, "the owner");
  } else {
    update_bytes(programs.map(MAP_OWNERS6), &key6, &value, "the owner");
  }
}

void add_owners(const bench::Programs& programs) {
  const auto dropped = ClearText::is_dropped, passes = ClearText::passes;
  add_owner(programs, "10.0.1.0/24", "10.0.1.138", dropped, dropped);
  add_owner(programs, "172.18.0.3/32", "10.0.1.138", passes, passes);
  add_owner(programs, "10.0.0.0/24", "10.0.0.40", dropped, passes);
  add_owner(programs, "172.18.0.4/32", "10.0.0.40", passes, passes);
  add_owner(programs, "fd00:10:1::/64", "fd00:10:1::8a", dropped, dropped);
  add_owner(programs, "fd00:10::/64", "fd00:10::28", dropped, passes);
  for (int i = 0; i < kFurtherNodes; ++i) {
    const std::string high = std::to_string(1 + i / 250), low = std::to_string(i % 250);
    add_owner(programs, "10." + high + "." + low + ".0/24", "10.0.0.40", dropped, passes);
    add_owner(programs, "172.19." + high + "." + low + "/32", "10.0.0.40", passes, passes);
    add_owner(programs, "fd00:10:" + high + ":" + low + "::/64", "fd00:10::28", dropped, passes);
  }
}

void report(const bench::Passage& passage, const std::vector<double>& without,
            const std::vector<double>& with, bench::Picture& picture) {
  const double before = median(without), now = median(with);
  const std::string at = std::string(passage.program) + ", " + passage.what;
  std::printf("%-15s  %-25s  %8.1f  %8.1f  %8.1f  %6.2f\n", passage.program, passage.what, before,
              now, now - before, now / before);
  bench::keep({.measure = "source_check", .at = at, .ours = now, .other = before, .unit = "ns"});
  bench::keep({.measure = "source_check_ns",
               .at = at,
               .ours = now - before,
               .other = {},
               .unit = "ns",
               .target = kMostNanoseconds});
  picture.at_most(at, std::max(now - before, 0.1), kMostNanoseconds);
}

void run(size_t rounds) {
  const bench::Programs without(PELLICLE_OBJECT_WITHOUT);
  const bench::Programs with(PELLICLE_OBJECT);
  add_owners(with);
  std::array<std::vector<double>, kPassages.size()> before, now;
  for (const auto& passage : kPassages) {
    require(with.is_compiled(passage.program),
            std::string(passage.program) + ": compiling it (net.core.bpf_jit_enable)");
    const auto packet = bench::frame(passage);
    require(with.outcome(passage.program, packet) == without.outcome(passage.program, packet) &&
                with.outcome(passage.program, packet).first != TC_ACT_SHOT,
            std::string(passage.program) + ", " + passage.what + ": the same outcome, not dropped");
  }
  for (size_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < kPassages.size(); ++i) {
      const auto packet = bench::frame(kPassages[i]);
      before[i].push_back(without.run(kPassages[i].program, packet, kPacketsAtOnce));
      now[i].push_back(with.run(kPassages[i].program, packet, kPacketsAtOnce));
    }
  }
  std::printf("%zu times %d packets, medians: ns a packet\n\n", rounds, kPacketsAtOnce);
  std::printf("%-15s  %-25s  %8s  %8s  %8s  %6s\n", "program", "packet", "without", "with", "more",
              "ratio");
  bench::Picture picture;
  for (size_t i = 0; i < kPassages.size(); ++i) report(kPassages[i], before[i], now[i], picture);
  picture.print();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc > 1 ? std::stoul(argv[1]) : 100);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-sources: %s\n", error.what());
    return 1;
  }
}
