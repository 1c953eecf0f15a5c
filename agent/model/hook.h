// The programs and filters on a device's clsact hook, in the order in which the kernel runs them.
// Nothing is desired of other owners' entries, so hooks are not part of KernelState.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/model/node.h"

namespace pellicle {

// A tcx program (kernel 6.6), or a filter.
struct HookEntry {
  std::string kind;          // "tcx"; for a filter the kernel's name for its kind: "bpf", "u32"
  std::string program = {};  // the eBPF program's name, or the name of its filter
  uint32_t id = 0;           // of the eBPF program; 0: no eBPF program, as in classic BPF
  std::string tag = {};      // the kernel's digest of its instructions, 16 hex digits
  uint16_t priority = 0;     // of a filter; the lower one runs first
  uint32_t handle = 0;       // of a filter
  bool ours = false;         // at our place in the hook, with a program of ours
  bool is_tcx() const { return kind == "tcx"; }
  auto operator<=>(const HookEntry&) const = default;
};

struct Hook {
  std::string dev;
  bool ingress = true;
  std::vector<HookEntry> entries;  // in running order
  const char* direction() const { return ingress ? "ingress" : "egress"; }
  const HookEntry* ours() const;         // null: not attached
  std::vector<HookEntry> ahead() const;  // of ours; empty if ours is not attached
  bool operator==(const Hook&) const = default;
};

// One problem for each entry that runs ahead of ours: it may end the decision, and ours does not
// run then.
std::vector<Problem> hook_problems(const std::vector<Hook>& hooks);

}  // namespace pellicle
