#include "agent/kernel/bpf_hooks.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/bpf_tc.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

// BPF_TCX_INGRESS and BPF_TCX_EGRESS of Linux 6.6; older headers have no names for them.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr size_t kMostTcx = 64;  // BPF_MPROG_MAX: a hook takes no more

std::string hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// What the kernel calls the program, rather than its filter. Unloaded since: as it was.
void name_program(HookEntry& entry) {
  const auto program = find_program(entry.id);
  if (!program) return;
  if (!program->name.empty()) entry.program = program->name;
  entry.tag = program->tag;
}

// They are asked before all filters. None: this kernel has no tcx, or not this device any more.
std::optional<std::vector<uint32_t>> tcx_programs(const TcHook& hook) {
  std::array<uint32_t, kMostTcx> ids{};
  uint32_t count = ids.size();
  const auto type = static_cast<bpf_attach_type>(hook.ingress ? kTcxIngress : kTcxEgress);
  const int result =
      bpf_prog_query(static_cast<int>(hook.ifindex), type, 0, nullptr, ids.data(), &count);
  if (result == 0) return std::vector<uint32_t>(ids.begin(), ids.begin() + count);
  if (result == -EINVAL || result == -ENODEV) return std::nullopt;
  if (result == -ENOENT) return std::vector<uint32_t>();
  throw OsError(-result, std::string("read the tcx programs of a device: ") + strerror(-result));
}

void add_filters(NetlinkSocket& socket, const TcHook& place, std::vector<HookEntry>& entries) {
  for (HookEntry& entry : socket.dump(filters_request(place), decode_filter)) {
    if (entry.id != 0 && !entry.ours) name_program(entry);
    entries.push_back(std::move(entry));
  }
}

}  // namespace

std::optional<HookEntry> decode_filter(const nlmsghdr& message) {
  const auto header = header_of<tcmsg>(message);
  const Attributes filter(message, sizeof(tcmsg));
  if (!header || filter.value<uint32_t>(TCA_CHAIN).value_or(0) != 0) return std::nullopt;
  HookEntry entry{.kind = filter.text(TCA_KIND),
                  .priority = static_cast<uint16_t>(header->tcm_info >> 16)};
  // A dump has a message without handle for each priority, and one for each of its filters.
  if (entry.kind != "bpf") return header->tcm_handle == 0 ? std::optional(entry) : std::nullopt;
  if (header->tcm_handle == 0) return std::nullopt;
  entry.handle = header->tcm_handle;
  const Attributes options(filter.raw(TCA_OPTIONS));
  entry.program = options.text(TCA_BPF_NAME);
  entry.id = options.value<uint32_t>(TCA_BPF_ID).value_or(0);
  if (entry.id != 0) entry.tag = hex(options.bytes(TCA_BPF_TAG));
  entry.ours = entry.id != 0 && entry.priority == kFilterPriority &&
               entry.handle == kFilterHandle && entry.program.starts_with(kProgramPrefix);
  return entry;
}

std::vector<Hook> read_hooks(NetlinkSocket& socket, const std::vector<Attachment::Key>& hooks) {
  std::vector<Hook> all;
  bool has_tcx = true;
  for (const auto& key : hooks) {
    const TcHook place{if_nametoindex(key.dev.c_str()), key.ingress};
    if (place.ifindex == 0) continue;
    Hook hook{.dev = key.dev, .ingress = key.ingress, .entries = {}};
    const auto programs = has_tcx ? tcx_programs(place) : std::nullopt;
    has_tcx = programs.has_value();
    for (const uint32_t id : programs.value_or(std::vector<uint32_t>())) {
      name_program(hook.entries.emplace_back(HookEntry{.kind = "tcx", .id = id}));
    }
    add_filters(socket, place, hook.entries);
    all.push_back(std::move(hook));
  }
  return all;
}

}  // namespace pellicle
