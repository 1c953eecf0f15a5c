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
#include "agent/kernel/bpf_turn.h"
#include "agent/model/drop_count.h"
#include "agent/model/forgery.h"
#include "agent/model/hook.h"
#include "agent/model/kernel_state.h"
#include "agent/reconcile/plan.h"

namespace pellicle {

class NetlinkSocket;

// Every call may throw OsError, whose sentence names the operation and the object and quotes the
// kernel.
class BpfDatapath {
 public:
  // `bpf_root`: the folder for the pinned maps, on a bpf file system, e.g. /sys/fs/bpf/pellicle.
  // Reads and creates nothing yet.
  explicit BpfDatapath(std::string bpf_root);
  ~BpfDatapath();
  BpfDatapath(BpfDatapath&&) noexcept;
  BpfDatapath& operator=(BpfDatapath&&) noexcept;

  // The kernel's tags of the programs that this agent carries, by program name. The first call
  // loads the programs; nothing is pinned.
  std::map<std::string, std::string> program_tags();

  // Reads the present state; creates nothing. A map with another definition than this agent's
  // counts as absent. The first call makes the programs look up each source anew.
  void dump(KernelState& into);

  // The first call that writes or attaches pins the maps. It replaces a pinned map that has another
  // definition, and reports that to `on_note`.
  void apply(const Change<DatapathConfig>& change);
  void apply(const Change<PeerEntry>& change);
  void apply(const Change<EndpointEntry>& change);
  void apply(const Change<PodSource>& change);
  void apply(const Change<AddressOwner>& change);
  void apply(const Change<Attachment>& change);

  // Call after the last change of a plan. Unpins the maps once they are empty and no program of
  // Pellicle's is on a device of this network namespace.
  void finish();

  // Counts by reason; all zero while nothing is pinned.
  std::map<std::string, DropCount> drops();

  // The most recent packets with forged sources; empty while nothing is pinned.
  std::vector<Forgery> forgeries();

  // All programs on each hook where `state` has an attachment, those of other owners included, in
  // the order in which they run.
  std::vector<Hook> hooks(const KernelState& state);
  // True when the hooks still have exactly the tcx programs that the last hooks() found. The kernel
  // sends notifications for filters, but none for tcx programs.
  bool tcx_is_unchanged() const;

  // Receives one sentence when the datapath does something that no change asked for.
  std::function<void(const std::string&)> on_note;

  // Port of this object's netlink socket, which the kernel's notifications name as the origin;
  // nullopt before the first dump() or apply().
  std::optional<uint32_t> netlink_port() const;

 private:
  NetlinkSocket& socket();
  BpfPrograms& programs();
  const std::map<std::string, MapDefinition>& definitions();
  BpfMaps usable_pinned_maps();
  const BpfMap* pinned(const char* name);  // from pinned_; null: not pinned
  void write(const char* map, const void* key, const void* value, const std::string& object);
  void pin_maps();
  void end_turn();
  bool is_configured();
  void replace_foreign_maps();

  std::string bpf_root_;
  std::unique_ptr<NetlinkSocket> socket_;
  std::optional<std::map<std::string, MapDefinition>> definitions_;
  std::unique_ptr<BpfPrograms> programs_;
  std::optional<BpfMaps> pinned_;                         // when last read
  std::optional<BpfTurn> turn_;                           // of the map that was last pinned
  std::map<Attachment::Key, std::vector<uint32_t>> tcx_;  // program ids that hooks() last found
  bool is_short_of_memory_ = false;  // since a write of the present plan was refused for that
  bool maps_agree_ = false;          // checked since the last dump: programs_ use the pinned maps
};

}  // namespace pellicle
