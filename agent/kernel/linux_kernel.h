// The Linux implementation of Kernel, for the network namespace of the calling thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/kernel/bpf_datapath.h"
#include "agent/model/observed_state.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

struct LinuxOptions {
  std::string state_dir = "/run/pellicle";        // for the ledger; on tmpfs
  std::string bpf_root = "/sys/fs/bpf/pellicle";  // for the pinned maps; on a bpf file system
  std::string host_device = "cilium_host";
  std::string net_device = "cilium_net";
};

// All calls must come from one thread that stays in one network namespace. The constructor reads
// the ledger and touches nothing else.
class LinuxKernel : public Kernel {
 public:
  explicit LinuxKernel(const LinuxOptions& options);  // throws KernelError
  ~LinuxKernel() override;

  HostFacts facts() override;
  std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) override;
  KernelState dump() override;
  std::map<uint8_t, uint64_t> received() const override;
  std::vector<Refusal> apply(const Plan& plan) override;

  // One sentence if the ledger on disk was damaged.
  const std::optional<std::string>& ledger_problem() const;

  // From the last dump: rules of other programs that reject or drop pods' packets.
  std::vector<Problem> firewall_problems() const;

  // The netlink ports of this process, so that the monitor can tell the agent's changes from those
  // of other programs.
  std::vector<uint32_t> ports() const;

  BpfDatapath& datapath();  // for its drop counters

  // Pellicle's states with the kernel's counters. Throws KernelError.
  std::vector<ObservedState> observe_states();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pellicle
