// The eBPF side of the kernel state: configuration, peers and endpoints in pinned maps, programs on
// devices. Works in the network namespace of the thread that first calls dump() or apply().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/bpf_maps.h"
#include "agent/kernel/bpf_programs.h"
#include "agent/model/drop_count.h"
#include "agent/model/forgery.h"
#include "agent/model/hook.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

class NetlinkSocket;

// Every call may throw OsError, whose sentence names the operation, the object and the kernel's
// words.
class BpfDatapath {
 public:
  // `bpf_root`: the folder for our pins, on a bpf file system, e.g. /sys/fs/bpf/pellicle. Nothing
  // is read or made yet.
  explicit BpfDatapath(std::string bpf_root);
  ~BpfDatapath();
  BpfDatapath(BpfDatapath&&) noexcept;
  BpfDatapath& operator=(BpfDatapath&&) noexcept;

  // What the kernel makes of the programs this agent carries. Loads them the first time; pins
  // nothing.
  std::map<std::string, std::string> program_tags();

  // What is there. Makes nothing. A map whose definition is not ours counts as absent.
  void dump(KernelState& into);

  // The first one pins the maps. A pinned map with another definition is replaced; `on_note` hears
  // of it.
  void apply(const Change<DatapathConfig>& change);
  void apply(const Change<PeerEntry>& change);
  void apply(const Change<EndpointEntry>& change);
  void apply(const Change<PodSource>& change);
  void apply(const Change<AddressOwner>& change);
  void apply(const Change<Attachment>& change);

  // After the last of a plan's changes. Unpins the maps once nothing of ours is in them and no
  // program of ours is on a device of this network namespace.
  void finish();

  // By reason; all zero while nothing is pinned.
  std::map<std::string, DropCount> drops();

  // Packets in another's name, those that happened last; none while nothing is pinned.
  std::vector<Forgery> forgeries();

  // The programs on the hooks where it has one, those of other owners included, in the order in
  // which they run.
  std::vector<Hook> hooks(const KernelState& state);
  // The kernel announces filters that come and go, but no tcx program. Are those that the last
  // hooks() found still there, and no others?
  bool tcx_is_unchanged() const;

  // Where something was done that nobody asked for: one sentence.
  std::function<void(const std::string&)> on_note;

  // Our port in the kernel's notifications of changes; none before the first dump() or apply().
  std::optional<uint32_t> netlink_port() const;

 private:
  NetlinkSocket& socket();
  BpfPrograms& programs();
  const std::map<std::string, MapDefinition>& definitions();
  BpfMaps usable_pinned_maps();
  const BpfMap* pinned(const char* name);  // as of the last look; null: not pinned
  int map_for_writing(const char* name);
  void pin_maps();
  bool is_configured();
  void replace_foreign_maps();

  std::string bpf_root_;
  std::unique_ptr<NetlinkSocket> socket_;
  std::optional<std::map<std::string, MapDefinition>> definitions_;
  std::unique_ptr<BpfPrograms> programs_;
  std::optional<BpfMaps> pinned_;                         // of the last look
  std::map<Attachment::Key, std::vector<uint32_t>> tcx_;  // ids, as the last hooks() found them
  bool maps_agree_ = false;  // since the last dump: what is pinned is what programs_ use
};

}  // namespace pellicle
