#include "agent/kernel/bpf_hooks.h"

#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/kernel/bpf_programs.h"
#include "agent/kernel/bpf_tcx.h"
#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

std::string hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Replaces the filter's name with the program's. Changes nothing when the program is no longer
// loaded.
void name_program(HookEntry& entry) {
  const auto program = find_program(entry.id);
  if (!program) return;
  if (!program->name.empty()) entry.program = program->name;
  entry.tag = program->tag;
  if (entry.is_tcx()) entry.ours = is_ours(*program);
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
  // A dump has one message without a handle for each priority, and one for each filter in it.
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

Hook read_hook(NetlinkSocket& socket, const TcHook& place) {
  Hook hook{.dev = {}, .ingress = place.ingress, .entries = {}};
  for (const uint32_t id : tcx_programs(place).value_or(std::vector<uint32_t>()))
    name_program(hook.entries.emplace_back(HookEntry{.kind = "tcx", .id = id}));
  add_filters(socket, place, hook.entries);
  return hook;
}

std::vector<Hook> read_hooks(NetlinkSocket& socket, const std::vector<Attachment::Key>& hooks) {
  std::vector<Hook> all;
  for (const auto& key : hooks) {
    const TcHook place{if_nametoindex(key.dev.c_str()), key.ingress};
    if (place.ifindex == 0) continue;
    all.push_back(read_hook(socket, place));
    all.back().dev = key.dev;
  }
  return all;
}

}  // namespace pellicle
