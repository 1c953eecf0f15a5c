#include "agent/kernel/bpf_attachments.h"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "agent/kernel/bpf_hooks.h"
#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/bpf_tc.h"
#include "agent/kernel/bpf_tcx.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

constexpr uint32_t kLoopbackIndex = 1;  // in every network namespace

// True when the program uses the pinned maps. Maps with other names than Pellicle's (a read-only
// data section) do not count.
bool uses_current_maps(const ProgramInfo& program, const BpfMaps& pinned) {
  if (pinned.size() != kMapNames.size()) return false;
  return std::all_of(program.map_ids.begin(), program.map_ids.end(), [&](uint32_t id) {
    for (const auto& [name, map] : pinned)
      if (map.id == id) return true;
    const std::string name = map_name_by_id(id);
    return std::find(kMapNames.begin(), kMapNames.end(), name) == kMapNames.end();
  });
}

// Attachments by program id; nullopt: the program is not Pellicle's.
class KnownPrograms {
 public:
  explicit KnownPrograms(const BpfMaps& pinned) : pinned_(pinned) {}

  const std::optional<Attachment>& attachment(uint32_t id) {
    const auto [entry, is_new] = known_.try_emplace(id);
    const auto program = is_new ? find_program(id) : std::nullopt;
    if (program && is_ours(*program))
      entry->second = {.program = program->name,
                       .tag = program->tag,
                       .current_maps = uses_current_maps(*program, pinned_)};
    return entry->second;
  }

 private:
  const BpfMaps& pinned_;
  std::map<uint32_t, std::optional<Attachment>> known_;
};

Table<Attachment>& table_of(const Attachment& attachment, KernelState& state) {
  return attachment.is_auditor() ? state.auditors : state.attachments;
}

std::string describe_hook(const Attachment::Key& key) {
  return "device " + key.dev + (key.ingress ? " ingress" : " egress");
}

// True when another program runs ahead of Pellicle's filter and the kernel has tcx, so that
// Pellicle's program can move ahead of it.
bool can_be_moved(NetlinkSocket& socket, const TcHook& hook) {
  return tcx_programs(hook) && !read_hook(socket, hook).ahead().empty();
}

void dump_filters(NetlinkSocket& socket, KnownPrograms& known, const DeviceNames& names,
                  KernelState& into) {
  std::vector<TcHook> hooks;
  for (const uint32_t ifindex : devices_with_hooks(socket))
    for (const bool ingress : {true, false}) hooks.push_back({ifindex, ingress});
  const auto programs = programs_in_place(socket, hooks);
  for (size_t i = 0; i < hooks.size(); ++i) {
    const auto name = names.find(hooks[i].ifindex);
    if (!programs[i] || name == names.end()) continue;
    auto attachment = known.attachment(*programs[i]);
    if (!attachment) continue;
    attachment->foremost = attachment->is_of_pod() || !can_be_moved(socket, hooks[i]);
    table_of(*attachment, into)[{.dev = name->second, .ingress = hooks[i].ingress}] = *attachment;
  }
}

// A hook that also has Pellicle's filter comes from an interrupted move from filter to tcx.
void dump_tcx(KnownPrograms& known, const DeviceNames& names, KernelState& into) {
  if (!tcx_programs({.ifindex = kLoopbackIndex})) return;
  for (const auto& [ifindex, name] : names) {
    for (const bool ingress : {true, false}) {
      const auto ids = tcx_programs({ifindex, ingress});
      for (const uint32_t id : ids.value_or(std::vector<uint32_t>())) {
        auto attachment = known.attachment(id);
        if (!attachment) continue;
        auto& table = table_of(*attachment, into);
        const Attachment::Key key{.dev = name, .ingress = ingress};
        attachment->foremost = !table.contains(key);
        table[key] = *attachment;
      }
    }
  }
}

// The program id of Pellicle's filter; nullopt when there is no filter. Throws OsError when another
// program has that priority and handle.
std::optional<uint32_t> own_filter(NetlinkSocket& socket, const TcHook& hook,
                                   const std::string& object) {
  const auto id = programs_in_place(socket, {&hook, 1}).front();
  const auto program = id ? find_program(*id) : std::nullopt;
  if (!program) return std::nullopt;
  if (is_ours(*program)) return id;
  throw OsError(EEXIST, object + ": the place is taken by program " + program->name);
}

void remove_filter(NetlinkSocket& socket, const TcHook& hook, const std::string& object) {
  require(detach_program(socket, hook), object);
  if (hooks_are_empty(socket, hook.ifindex)) require(remove_hooks(socket, hook.ifindex), object);
}

}  // namespace

void dump_attachments(NetlinkSocket& socket, const BpfMaps& pinned, const DeviceNames& names,
                      KernelState& into) {
  KnownPrograms known(pinned);
  dump_filters(socket, known, names, into);
  dump_tcx(known, names, into);
}

// Before a move to tcx, this replaces the filter with this build's program, which skips packets
// that the tcx program has processed.
void attach(NetlinkSocket& socket, const Change<Attachment>& change, int program_fd) {
  const auto object = "attach " + change.value.program + " to " + describe_hook(change.key);
  const TcHook hook{if_nametoindex(change.key.dev.c_str()), change.key.ingress};
  if (hook.ifindex == 0)
    throw OsError(ENODEV, "find device " + change.key.dev + ": No such device");
  const auto moved = own_tcx_program(hook);
  const bool filter = own_filter(socket, hook, object).has_value();
  if (filter || !moved) {
    require(make_hooks(socket, hook.ifindex), object);
    require(attach_program(socket, hook, program_fd, change.value.program), object);
  }
  if (!moved && (change.value.is_of_pod() || !can_be_moved(socket, hook))) return;
  attach_tcx(hook, program_fd, moved, object);
  if (filter || !moved) remove_filter(socket, hook, object);
}

void detach(NetlinkSocket& socket, const Change<Attachment>& change) {
  const auto object = "detach our program from " + describe_hook(change.key);
  const TcHook hook{if_nametoindex(change.key.dev.c_str()), change.key.ingress};
  if (hook.ifindex == 0) return;
  if (const auto moved = own_tcx_program(hook)) detach_tcx(hook, *moved, object);
  const auto id = programs_in_place(socket, {&hook, 1}).front();
  const auto program = id ? find_program(*id) : std::nullopt;
  if (program && is_ours(*program)) remove_filter(socket, hook, object);
}

}  // namespace pellicle
