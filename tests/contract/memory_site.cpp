// The contract's cases over the in-memory kernel.
#include "tests/contract/suite.h"
#include "tests/harness/memory_kernel/memory_kernel.h"

namespace pellicle::contract {

namespace {

template <class Kind>
void describe_all(const Table<Kind>& table, std::set<std::string>& lines) {
  for (const auto& [key, value] : table) lines.insert(describe(key, value));
}

void merge(KernelState& into, const KernelState& from) {
  for_each_table([&](const char*, auto table) {
    (into.*table).insert((from.*table).begin(), (from.*table).end());
  });
}

std::set<std::string> listing(MemoryKernel& kernel) {
  auto all = kernel.dump();
  merge(all, kernel.foreign);
  std::set<std::string> lines;
  describe_all(all.states, lines);
  describe_all(all.block_policies, lines);
  describe_all(all.policies, lines);
  describe_all(all.routes, lines);
  describe_all(all.rules, lines);
  return lines;
}

}  // namespace

Site make_site() {
  const auto kernel = std::make_shared<MemoryKernel>();
  kernel->add_device("eth0", {.mtu = 1500, .addresses = {{*IpAddress::parse("172.18.0.3"), 16}}});
  for (const auto* program :
       {"pell_uplink_in", "pell_uplink_out", "pell_net_in", "pell_host_out", "pell_lxc_in"}) {
    kernel->program_tags[program] = "0123456789abcdef";
  }
  return {.start_agent = [kernel] { return kernel; },
          .plant = [kernel](const KernelState& objects) { merge(kernel->foreign, objects); },
          .listing = [kernel] { return listing(*kernel); }};
}

}  // namespace pellicle::contract
