// What the kernel asks about a packet on a device's clsact hook, in the order in which it asks. Of
// what others have there nothing is desired, so it stands beside KernelState.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/model/node.h"

namespace pellicle {

// A tcx program (kernel 6.6), or a filter.
struct HookEntry {
  std::string kind;          // "tcx"; of a filter the kernel's word: "bpf", "u32"
  std::string program = {};  // an eBPF program's name, or what its filter is called
  uint32_t id = 0;           // of the eBPF program; 0: there is none, as in classic BPF
  std::string tag = {};      // the kernel's digest of its instructions, 16 hex digits
  uint16_t priority = 0;     // of a filter; the lower one runs first
  uint32_t handle = 0;       // of a filter
  bool ours = false;         // it is in our place, and has a program of ours
  bool is_tcx() const { return kind == "tcx"; }
  auto operator<=>(const HookEntry&) const = default;
};

struct Hook {
  std::string dev;
  bool ingress = true;
  std::vector<HookEntry> entries;  // the first is asked first
  const char* direction() const { return ingress ? "ingress" : "egress"; }
  const HookEntry* ours() const;         // null: it is not there
  std::vector<HookEntry> ahead() const;  // of ours; none where ours is not there
  bool operator==(const Hook&) const = default;
};

// Each entry that runs ahead of ours. It may end the decision, and ours is not asked then.
std::vector<Problem> hook_problems(const std::vector<Hook>& hooks);

}  // namespace pellicle
