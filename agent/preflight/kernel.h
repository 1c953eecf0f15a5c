// The kernel itself: its release, its modules, what it lets eBPF do. Judging is pure; the kernel is
// asked by agent/kernel.
#pragma once

#include <optional>
#include <string>

#include "agent/kernel/modules.h"
#include "agent/kernel/outcome.h"
#include "agent/preflight/finding.h"

namespace pellicle {

Findings judge_release(const std::string& release);

// Of devices, ESP and programs; ciphers and netfilter judge their own.
Findings judge_modules(const KernelModules& modules);

// One module that is needed: `option` is the kernel's. `lacking`: the verdict where it is not
// there.
Finding judge_module(const KernelModules& modules, const std::string& topic,
                     const std::string& name, const std::string& option, Verdict lacking);

struct BpfFacts {
  Outcome programs;                         // see try_programs()
  std::optional<bool> tcx;                  // see has_tcx()
  std::optional<std::string> pin_obstacle;  // see pin_obstacle()
  std::string lockdown;  // what /sys/kernel/security/lockdown says; empty: nothing
};
Findings judge_bpf(const BpfFacts& facts);
BpfFacts read_bpf(const std::string& bpf_root);

}  // namespace pellicle
