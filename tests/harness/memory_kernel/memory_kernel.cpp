#include "tests/harness/memory_kernel/memory_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pellicle {

HostFacts MemoryKernel::facts() {
  HostFacts facts{.program_tags = program_tags};
  for (const auto& [name, device] : devices_) {
    if (name.starts_with("lxc")) facts.pod_devices.push_back(name);
    for (const auto& [address, length] : device.addresses) {
      facts.uplinks[address] = {
          .name = name, .mtu = device.mtu, .connected = Cidr(address, length)};
    }
  }
  for (const auto& [key, address] : ours_.addresses) {
    if (key.dev == "cilium_host" && !facts.router_ipv4) facts.router_ipv4 = key.address;
  }
  return facts;
}

std::map<IpAddress, NextHop> MemoryKernel::next_hops(
    const std::vector<NextHopQuestion>& questions) {
  std::map<IpAddress, NextHop> found;
  for (const auto& [destination, source] : questions) {
    const auto set = ways.find(destination);
    found[destination] = set == ways.end() ? connected_way(destination) : set->second;
  }
  return found;
}

NextHop MemoryKernel::connected_way(const IpAddress& destination) const {
  for (const auto& [name, device] : devices_) {
    for (const auto& [address, length] : device.addresses) {
      if (Cidr(address, length).contains(destination)) return {.device = name, .gateway = {}};
    }
  }
  return {.device = {}, .gateway = {}, .obstacle = std::strerror(ENETUNREACH)};
}

KernelState MemoryKernel::dump() {
  if (faults.fail_dumps || (faults.fail_dump && ++dumps_ == faults.fail_dump)) {
    throw KernelError("dump states: interrupted");
  }
  auto state = ours_;
  for (auto& [key, sysctl] : state.sysctls) sysctl.value = this->sysctl(key.path);
  return state;
}

std::map<uint8_t, uint64_t> MemoryKernel::received() const {
  std::map<uint8_t, uint64_t> packets;
  for (const auto& [key, state] : ours_.states) packets[key_id_of(key)] = 0;
  return packets;
}

std::vector<Refusal> MemoryKernel::apply(const Plan& plan) {
  std::vector<Refusal> refusals;
  for (const auto& operation : plan) {
    if (faults.crash && faults.crash_after-- == 0) throw Crash{};
    log.push_back(operation);
    const bool refuse = faults.refuse_every && log.size() % faults.refuse_every == 0;
    const int error = refuse ? faults.refuse_with : carry_out(operation);
    if (error) refusals.push_back({operation, error, std::strerror(error)});
  }
  return refusals;
}

int MemoryKernel::carry_out(const Operation& operation) {
  return std::visit([this](const auto& change) { return perform(change); }, operation);
}

void MemoryKernel::add_device(const std::string& name, Device device) {
  devices_.emplace(name, std::move(device));
}

void MemoryKernel::remove_device(const std::string& name) {
  devices_.erase(name);
  forget_device(name);
}

void MemoryKernel::set_sysctl(const std::string& path, const std::string& value) {
  sysctls_[path] = value;
}

std::string MemoryKernel::sysctl(const std::string& path) const {
  const auto found = sysctls_.find(path);
  return found == sysctls_.end() ? "1" : found->second;
}

}  // namespace pellicle
