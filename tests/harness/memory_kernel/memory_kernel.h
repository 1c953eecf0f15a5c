// An in-memory operating system with the interface and the rules of the Linux one: what Linux
// refuses is refused here with the same errno. It records operations and fails on demand.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/reconcile/kernel.h"

namespace pellicle {

// Thrown out of apply() where the process "dies"; nothing in Pellicle catches it.
struct Crash {};

class MemoryKernel : public Kernel {
 public:
  // A foreign device: an uplink, or the host end of a pod's veth (its name begins with lxc).
  struct Device {
    uint32_t mtu = 1500;
    std::map<IpAddress, uint8_t> addresses;  // -> prefix length
  };

  struct Faults {
    size_t refuse_every = 0;  // refuse every k-th operation of this kernel's life; 0: none
    int refuse_with = 0;      // errno
    size_t fail_dump = 0;     // the n-th dump from now throws KernelError; 0: none
    bool fail_dumps = false;  // every dump throws KernelError
    size_t crash_after = 0;   // with `crash`: operations that an apply still executes
    bool crash = false;
  };

  HostFacts facts() override;
  std::map<IpAddress, NextHop> next_hops(const std::vector<NextHopQuestion>& questions) override;
  KernelState dump() override;
  std::map<uint8_t, uint64_t> received() const override;  // zero packets for every key
  std::vector<Refusal> apply(const Plan& plan) override;

  void add_device(const std::string& name, Device device);
  void remove_device(const std::string& name);  // and everything that depends on it, as in Linux
  void set_sysctl(const std::string& path, const std::string& value);
  std::string sysctl(const std::string& path) const;

  std::map<std::string, std::string> program_tags;  // what facts() reports
  std::map<IpAddress, NextHop> ways;  // next_hops()'s answers; default: by the devices' networks
  KernelState foreign;  // foreign objects: never dumped, never changed; they block their keys
  Faults faults;
  std::vector<Operation> log;  // every attempted operation, in order

 private:
  NextHop connected_way(const IpAddress& destination) const;
  int carry_out(const Operation& operation);  // 0 or an errno
  int perform(const Change<VethPair>& change);
  int perform(const Change<Address>& change);
  int perform(const Change<Sysctl>& change);
  int perform(const Change<State>& change);
  int perform(const Change<Policy>& change);
  int perform(const Change<DatapathConfig>& change);
  int perform(const Change<PeerEntry>& change);
  int perform(const Change<EndpointEntry>& change);
  int perform(const Change<PodSource>& change);
  int perform(const Change<AddressOwner>& change);
  int perform(const Change<NetfilterChain>& change);
  int perform(const Change<Attachment>& change);
  int perform(const Change<Route>& change);
  int perform(const Change<LocalRule>& change);
  int perform(const Change<Rule>& change);
  template <class Kind>
  int place(Table<Kind> KernelState::*table, const Change<Kind>& change);

  bool has_device(const std::string& name) const;
  bool is_up(const std::string& name) const;
  bool has_address(const IpAddress& address) const;
  bool on_link(const Change<Route>& change) const;
  bool state_conflicts(const KernelState& in, const Change<State>& change) const;
  void forget_device(const std::string& name);

  std::map<std::string, Device> devices_;
  std::map<std::string, std::string> sysctls_;  // current values; what is not listed is "1"
  std::map<std::string, std::string> before_;   // the ledger: the previous values
  KernelState ours_;
  size_t dumps_ = 0;
};

}  // namespace pellicle
