// The object as a whole: the names, maps and limits on which the agent relies.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstdio>
#include <set>

#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

constexpr uint32_t kMostVerified = 1'000'000;  // BPF_COMPLEXITY_LIMIT_INSNS, since 5.2

struct MapShape {
  uint32_t type, key_size, value_size, max_entries, flags;
  bool operator==(const MapShape&) const = default;
};

MapShape shape(const Programs& programs, const char* name) {
  const bpf_map* map = bpf_object__find_map_by_name(programs.object(), name);
  REQUIRE(map != nullptr);
  return {bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
          bpf_map__max_entries(map), bpf_map__map_flags(map)};
}

}  // namespace

TEST_CASE("the kernel takes every program and keeps its whole name") {
  const Programs programs;
  std::set<std::string> names;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, programs.object()) {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    REQUIRE(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0);
    CHECK(info.type == BPF_PROG_TYPE_SCHED_CLS);
    CHECK(info.gpl_compatible == 1);
    names.insert(info.name);
    // Kernels before 5.16 do not report verified instructions: use the program's length.
    const bool said = info.verified_insns > 0;
    std::printf("%-15s  %6u instructions %s, of %u\n", info.name,
                said ? info.verified_insns : info.xlated_prog_len / 8, said ? "verified" : "long",
                kMostVerified);
    CHECK(info.verified_insns < kMostVerified / 4);  // room for other versions of the verifier
  }
  CHECK(names == std::set<std::string>{"pell_lxc_in", "pell_uplink_in", "pell_uplink_out",
                                       "pell_l3_in", "pell_l3_out", "pell_host_out",
                                       "pell_net_in"});
}

TEST_CASE("maps have the names and shapes of datapath.h and no others exist") {
  const Programs programs;
  CHECK(shape(programs, MAP_CONFIG) ==
        MapShape{BPF_MAP_TYPE_ARRAY, 4, sizeof(datapath::datapath_config), 1, 0});
  CHECK(shape(programs, MAP_PEERS) == MapShape{BPF_MAP_TYPE_LPM_TRIE, sizeof(datapath::peer_key),
                                               sizeof(datapath::peer_value), datapath::MAX_PEERS,
                                               BPF_F_NO_PREALLOC});
  CHECK(shape(programs, MAP_PEERS6) == MapShape{BPF_MAP_TYPE_LPM_TRIE, sizeof(datapath::peer6_key),
                                                sizeof(datapath::peer_value), datapath::MAX_PEERS,
                                                BPF_F_NO_PREALLOC});
  CHECK(shape(programs, MAP_ENDPOINTS6) == MapShape{BPF_MAP_TYPE_HASH, sizeof(datapath::ip_address),
                                                    sizeof(datapath::endpoint_value),
                                                    datapath::MAX_ENDPOINTS, 0});
  CHECK(shape(programs, MAP_ENDPOINTS) == MapShape{BPF_MAP_TYPE_HASH, 4,
                                                   sizeof(datapath::endpoint_value),
                                                   datapath::MAX_ENDPOINTS, 0});
  CHECK(shape(programs, MAP_SOURCES) == MapShape{BPF_MAP_TYPE_LPM_TRIE,
                                                 sizeof(datapath::source_key), 4,
                                                 datapath::MAX_SOURCES, BPF_F_NO_PREALLOC});
  for (const auto& [name, key] : {std::pair(MAP_OWNERS, sizeof(datapath::peer_key)),
                                  {MAP_OWNERS6, sizeof(datapath::peer6_key)}})
    CHECK(shape(programs, name) == MapShape{BPF_MAP_TYPE_LPM_TRIE, static_cast<uint32_t>(key),
                                            sizeof(datapath::owner_value), datapath::MAX_OWNERS,
                                            BPF_F_NO_PREALLOC});
  CHECK(shape(programs, MAP_FORGERIES) == MapShape{BPF_MAP_TYPE_LRU_HASH, sizeof(datapath::forgery),
                                                   sizeof(datapath::drop_value),
                                                   datapath::MAX_FORGERIES, 0});
  CHECK(shape(programs, MAP_DROPS) == MapShape{BPF_MAP_TYPE_PERCPU_ARRAY, 4,
                                               sizeof(datapath::drop_value), datapath::DROP_REASONS,
                                               0});
  CHECK(shape(programs, MAP_SEEN_OWNERS) == MapShape{BPF_MAP_TYPE_PERCPU_ARRAY, 4,
                                                     sizeof(datapath::seen_owner),
                                                     datapath::SEEN_SLOTS, 0});
  CHECK(shape(programs, MAP_SEEN_PODS) == MapShape{BPF_MAP_TYPE_PERCPU_ARRAY, 4,
                                                   sizeof(datapath::seen_pod), datapath::SEEN_SLOTS,
                                                   0});
  CHECK(shape(programs, MAP_TURN) == MapShape{BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE});
  CHECK(shape(programs, MAP_LISTENER) ==
        MapShape{BPF_MAP_TYPE_ARRAY, 4, sizeof(datapath::listener), 1, BPF_F_MMAPABLE});
  CHECK(shape(programs, MAP_EVENTS) ==
        MapShape{BPF_MAP_TYPE_RINGBUF, 0, 0, datapath::EVENT_BYTES, 0});
  CHECK(shape(programs, MAP_PATHS) ==
        MapShape{BPF_MAP_TYPE_RINGBUF, 0, 0, datapath::PATH_BYTES, 0});
  size_t maps = 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, programs.object())++ maps;
  CHECK(maps == 16);
}

TEST_CASE("no program chokes on a frame of any size") {
  Programs programs = configured();
  const std::string program = GENERATE("pell_lxc_in", "pell_uplink_in", "pell_uplink_out",
                                       "pell_l3_in", "pell_l3_out", "pell_host_out", "pell_net_in");
  const Bytes whole =
      GENERATE(frame({.src = "10.0.3.7", .dst = "10.0.3.9", .payload = 3200}),
               frame({.src = "10.0.3.7", .dst = "10.0.3.9", .payload = 3200, .ethertype = 0x0806}),
               frame({.src = "fd00:10:3::7", .dst = "fd00:10:3::9", .payload = 3200}),
               frame({.src = "fd00:10:3::7",
                      .dst = "fd00:10:3::9",
                      .payload = 3200,
                      .headers = {{60, 1, 0}}}));
  size_t ran = 0;
  for (size_t size = 0; size <= whole.size(); size += size < 120 ? 1 : 311) {
    const auto outcome = programs.try_run(program, cut(whole, size));
    if (!outcome) continue;
    ++ran;
    CHECK((outcome->verdict == TC_ACT_OK || outcome->verdict == TC_ACT_UNSPEC ||
           outcome->verdict == TC_ACT_SHOT));
    CHECK(outcome->frame == cut(whole, size));
  }
  CHECK(ran > 50);  // the kernel refuses frames shorter than their headers
}

}  // namespace this_file
