// Linux behind the seam: the network namespace of the calling thread, as values.
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
  std::string state_dir = "/run/pellicle";        // of the ledger; on tmpfs
  std::string bpf_root = "/sys/fs/bpf/pellicle";  // of the pinned maps; on a bpf file system
  std::string host_device = "cilium_host";
  std::string net_device = "cilium_net";
};

// Every call must come from one thread that stays in one network namespace. The constructor reads
// the ledger and touches nothing else.
class LinuxKernel : public Kernel {
 public:
  explicit LinuxKernel(const LinuxOptions& options);  // throws KernelError
  ~LinuxKernel() override;

  HostFacts facts() override;
  std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) override;
  KernelState dump() override;
  std::vector<Refusal> apply(const Plan& plan) override;

  // What was wrong with the ledger that was found, if anything: one sentence.
  const std::optional<std::string>& ledger_problem() const;

  // As of the last dump: rules of others that refuse pods' packets.
  std::vector<Problem> firewall_problems() const;

  // The netlink ports of this process, for the monitor to tell our changes from others'.
  std::vector<uint32_t> ports() const;

  // As of the last dump: packets received with each key id, by the states there are.
  const std::map<uint8_t, uint64_t>& received() const;

  BpfDatapath& datapath();  // for its drop counters

  // The states of ours with what the kernel counted. Throws KernelError.
  std::vector<ObservedState> observe_states();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pellicle
