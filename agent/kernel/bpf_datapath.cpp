#include "agent/kernel/bpf_datapath.h"

#include <bpf/libbpf.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "agent/kernel/bpf_attachments.h"
#include "agent/kernel/bpf_dump.h"
#include "agent/kernel/bpf_hooks.h"
#include "agent/kernel/bpf_records.h"
#include "agent/kernel/bpf_tcx.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

using namespace std::chrono_literals;

constexpr auto kLongestWait = 16ms;  // for an entry; a timer's tick takes 10 ms where HZ is 100

uint32_t index_of(const std::string& device) {
  const uint32_t index = if_nametoindex(device.c_str());
  if (index == 0) throw OsError(ENODEV, "find device " + device + ": No such device");
  return index;
}

// A pod's device disappears before its records are deleted, and then its interface index is
// unknown. In that case, returns the records of the same network whose index no device has.
std::vector<datapath::source_key> records_of(const PodSource::Key& key, const BpfMap& map) {
  const bool gone = !key.device.starts_with('#') && if_nametoindex(key.device.c_str()) == 0;
  if (!gone) return {source_record_key(key, index_of)};
  std::vector<datapath::source_key> records;
  const auto entries = all_entries(map, "the sources map");
  for (size_t i = 0; i < entries.count; ++i) {
    datapath::source_key record{};
    std::memcpy(&record, entries.keys.data() + i * sizeof(record), sizeof(record));
    std::array<char, IF_NAMESIZE> name{};
    if (if_indextoname(record.ifindex, name.data()) != nullptr) continue;
    const auto present = source_value_key(record, [](uint32_t) { return std::string(); });
    if (present.cidr == key.cidr) records.push_back(record);
  }
  return records;
}

std::vector<uint32_t> tcx_ids(const Hook& hook) {
  std::vector<uint32_t> ids;
  for (const HookEntry& entry : hook.entries) {
    if (entry.is_tcx()) ids.push_back(entry.id);
  }
  return ids;
}

}  // namespace

BpfDatapath::BpfDatapath(std::string bpf_root) : bpf_root_(std::move(bpf_root)) {}
BpfDatapath::~BpfDatapath() = default;
BpfDatapath::BpfDatapath(BpfDatapath&&) noexcept = default;
BpfDatapath& BpfDatapath::operator=(BpfDatapath&&) noexcept = default;

NetlinkSocket& BpfDatapath::socket() {
  if (!socket_) socket_ = std::make_unique<NetlinkSocket>(NETLINK_ROUTE);
  return *socket_;
}

std::optional<uint32_t> BpfDatapath::netlink_port() const {
  return socket_ ? std::optional(socket_->port()) : std::nullopt;
}

const std::map<std::string, MapDefinition>& BpfDatapath::definitions() {
  if (!definitions_) definitions_ = carried_map_definitions();
  return *definitions_;
}

BpfMaps BpfDatapath::usable_pinned_maps() {
  BpfMaps maps = pinned_maps(bpf_root_);
  if (maps.empty()) return maps;
  std::erase_if(maps, [&](const auto& entry) {
    return entry.second.definition != definitions().at(entry.first);
  });
  return maps;
}

// Loads the programs with the pinned maps, if there are any, so that a program attached later
// shares them with the programs that a previous agent attached.
BpfPrograms& BpfDatapath::programs() {
  if (!programs_) programs_ = std::make_unique<BpfPrograms>(usable_pinned_maps());
  return *programs_;
}

std::map<std::string, std::string> BpfDatapath::program_tags() {
  return programs().tags();
}

void BpfDatapath::dump(KernelState& into) {
  maps_agree_ = false;
  pinned_ = usable_pinned_maps();
  if (!turn_) end_turn();  // an agent may be killed between a write and the end of its turn
  dump_bpf(socket(), *pinned_, into);
}

const BpfMap* BpfDatapath::pinned(const char* name) {
  if (!pinned_) pinned_ = usable_pinned_maps();
  const auto map = pinned_->find(name);
  return map == pinned_->end() ? nullptr : &map->second;
}

// Before anything is written or attached, the pinned maps must be the ones that the loaded programs
// use.
void BpfDatapath::pin_maps() {
  if (maps_agree_) return;
  replace_foreign_maps();
  pinned_ = usable_pinned_maps();
  const bool others = std::any_of(pinned_->begin(), pinned_->end(), [&](const auto& entry) {
    return programs_ && programs_->map_id(entry.first) != entry.second.id;
  });
  if (others) programs_.reset();  // another process has pinned maps since: reload with those
  for (const char* name : kMapNames)
    if (pinned(name) == nullptr) pin_map(bpf_root_, name, programs().map_fd(name));
  pinned_ = usable_pinned_maps();
  maps_agree_ = true;
}

void BpfDatapath::end_turn() {
  const BpfMap* map = pinned(MAP_TURN);
  if (map == nullptr) return;
  if (!turn_ || turn_->map_id() != map->id) turn_.emplace(*map);
  turn_->advance();
}

void BpfDatapath::replace_foreign_maps() {
  for (const auto& [name, map] : pinned_maps(bpf_root_)) {
    const MapDefinition& ours = definitions().at(name);
    if (map.definition == ours) continue;
    unpin_map(bpf_root_, name);
    if (on_note)
      on_note("eBPF map " + bpf_root_ + "/" + name + " replaced: it had " +
              map.definition.to_string() + ", this agent needs " + ours.to_string());
  }
}

// Newer kernels (7.2) take the entries of a trie from a small store, which is filled up in the
// background. Writes in quick succession may find it empty, with memory to spare.
void BpfDatapath::write(const char* map, const void* key, const void* value,
                        const std::string& object) {
  pin_maps();
  const int fd = programs().map_fd(map);
  for (auto wait = 1ms;; wait *= 2) {
    try {
      return update_bytes(fd, key, value, object);
    } catch (const OsError& error) {
      if (error.error() != ENOMEM) throw;
      is_short_of_memory_ |= wait > kLongestWait;
      if (is_short_of_memory_) throw;
    }
    std::this_thread::sleep_for(wait);
  }
}

void BpfDatapath::apply(const Change<DatapathConfig>& change) {
  const uint32_t zero = 0;
  datapath::datapath_config record{};
  const std::string object = "the datapath configuration";
  if (change.action != Action::remove) {
    record = config_record(change.value, index_of);
    write(MAP_CONFIG, &zero, &record, object);
  } else if (const BpfMap* map = pinned(MAP_CONFIG)) {
    update_bytes(map->fd.get(), &zero, &record, object);
  }
}

void BpfDatapath::apply(const Change<PeerEntry>& change) {
  const bool ipv4 = change.key.cidr.family() == Family::v4;
  const datapath::peer_key key = peer_record_key(change.key);
  const datapath::peer6_key key6 = peer6_record_key(change.key);
  const void* record = ipv4 ? static_cast<const void*>(&key) : &key6;
  const char* name = ipv4 ? MAP_PEERS : MAP_PEERS6;
  const std::string object = "peer " + change.key.cidr.to_string();
  if (change.action != Action::remove) {
    const datapath::peer_value value{
        .key_id = change.value.key_id, .node = change.value.node, .path = change.value.path};
    write(name, record, &value, object);
  } else if (const BpfMap* map = pinned(name)) {
    delete_bytes(map->fd.get(), record, object);
  }
}

void BpfDatapath::apply(const Change<EndpointEntry>& change) {
  const datapath::ip_address key = address_record(change.key.address);
  const char* name = change.key.address.family() == Family::v4 ? MAP_ENDPOINTS : MAP_ENDPOINTS6;
  const std::string object = "endpoint " + change.key.address.to_string();
  if (change.action != Action::remove) {
    const datapath::endpoint_value value = endpoint_record(change.value, index_of);
    write(name, &key, &value, object);
  } else if (const BpfMap* map = pinned(name)) {
    delete_bytes(map->fd.get(), &key, object);
  }
  end_turn();
}

void BpfDatapath::apply(const Change<PodSource>& change) {
  const uint32_t unused = 0;
  const std::string object = describe(change.key, change.value);
  if (change.action != Action::remove) {
    const auto key = source_record_key(change.key, index_of);
    write(MAP_SOURCES, &key, &unused, object);
  } else if (const BpfMap* map = pinned(MAP_SOURCES)) {
    for (const auto& key : records_of(change.key, *map)) delete_bytes(map->fd.get(), &key, object);
  }
  end_turn();
}

void BpfDatapath::apply(const Change<AddressOwner>& change) {
  const PeerEntry::Key cidr{change.key.cidr};
  const bool ipv4 = change.key.cidr.family() == Family::v4;
  const datapath::peer_key key = peer_record_key(cidr);
  const datapath::peer6_key key6 = peer6_record_key(cidr);
  const void* record = ipv4 ? static_cast<const void*>(&key) : &key6;
  const char* name = ipv4 ? MAP_OWNERS : MAP_OWNERS6;
  const std::string object = "owner of " + change.key.cidr.to_string();
  if (change.action != Action::remove) {
    const datapath::owner_value value = owner_record(change.value);
    write(name, record, &value, object);
  } else if (const BpfMap* map = pinned(name)) {
    delete_bytes(map->fd.get(), record, object);
  }
  end_turn();
}

void BpfDatapath::apply(const Change<Attachment>& change) {
  if (change.action == Action::remove) return detach(socket(), change);
  pin_maps();
  attach(socket(), change, programs().program_fd(change.value.program));
}

// A plan removes the configuration after all other map records.
bool BpfDatapath::is_configured() {
  const BpfMap* map = pinned(MAP_CONFIG);
  const uint32_t zero = 0;
  datapath::datapath_config record{};
  return map != nullptr &&
         lookup_bytes(map->fd.get(), &zero, &record, "the datapath configuration") &&
         !is_empty(record);
}

void BpfDatapath::finish() {
  is_short_of_memory_ = false;
  if (is_configured()) return;
  if (pinned_maps(bpf_root_).empty()) return remove_pin_folder(bpf_root_);
  KernelState left;
  dump(left);
  if (!left.datapath_config.empty() || !left.peers.empty() || !left.node_peers.empty() ||
      !left.owners.empty() || !left.endpoints.empty() || !left.sources.empty() ||
      !left.attachments.empty() || !left.auditors.empty())
    return;
  for (const char* name : kMapNames) unpin_map(bpf_root_, name);
  pinned_.reset();
  maps_agree_ = false;
  remove_pin_folder(bpf_root_);
}

std::vector<Hook> BpfDatapath::hooks(const KernelState& state) {
  std::vector<Attachment::Key> keys;
  for (const auto* table : {&state.attachments, &state.auditors}) {
    for (const auto& [key, attachment] : *table) keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  auto all = read_hooks(socket(), keys);
  tcx_.clear();
  for (const Hook& hook : all) tcx_[{hook.dev, hook.ingress}] = tcx_ids(hook);
  return all;
}

bool BpfDatapath::tcx_is_unchanged() const {
  return std::all_of(tcx_.begin(), tcx_.end(), [](const auto& seen) {
    const auto& [key, ids] = seen;
    const auto now = tcx_programs({if_nametoindex(key.dev.c_str()), key.ingress});
    return now.value_or(ids) == ids;
  });
}

}  // namespace pellicle
