// What the programs count, read from their maps.
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>

#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/bpf_records.h"

namespace pellicle {

std::map<std::string, DropCount> BpfDatapath::drops() {
  std::map<std::string, DropCount> counts;
  for (const char* reason : kDropReasons) counts[reason];
  const auto map = pinned_map(bpf_root_, MAP_DROPS);
  if (!map || map->definition != definitions().at(MAP_DROPS)) return counts;
  std::vector<datapath::drop_value> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
  for (uint32_t reason = 0; reason < kDropReasons.size(); ++reason) {
    if (!lookup_bytes(map->fd.get(), &reason, per_cpu.data(), "the drop counters")) continue;
    DropCount& total = counts[kDropReasons[reason]];
    for (const datapath::drop_value& count : per_cpu) {
      total.packets += count.packets;
      total.bytes += count.bytes;
    }
  }
  return counts;
}

std::vector<Forgery> BpfDatapath::forgeries() {
  std::vector<Forgery> all;
  const auto map = pinned_map(bpf_root_, MAP_FORGERIES);
  if (!map || map->definition != definitions().at(MAP_FORGERIES)) return all;
  const auto entries = all_entries(*map, "the forgeries map");
  for (size_t i = 0; i < entries.count; ++i) {
    datapath::forgery key{};
    datapath::drop_value count{};
    std::memcpy(&key, entries.keys.data() + i * sizeof(key), sizeof(key));
    std::memcpy(&count, entries.values.data() + i * sizeof(count), sizeof(count));
    all.push_back(forgery_value(key, count));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace pellicle
