#include "agent/kernel/netfilter.h"

#include <algorithm>
#include <cerrno>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

std::string operation(const NetfilterChain::Key& key) {
  return "write netfilter chain " + key.chain + " in table " + key.table + ": ";
}

}  // namespace

void Netfilter::look() {
  usable_.clear();
  for (NetfilterBackend& backend : backends_)
    if (backend.look()) usable_.push_back(&backend);
  std::stable_sort(usable_.begin(), usable_.end(),
                   [](const auto* a, const auto* b) { return a->weight() > b->weight(); });
}

void Netfilter::dump(KernelState& into) {
  look();  // neither tool: nothing of ours; an apply says what is missing
  for (const NetfilterBackend* backend : usable_) {
    for (const auto& [key, chain] : backend->chains()) {
      const auto [there, only_here] = into.netfilter.emplace(key, chain);
      if (backend != usable_.front()) there->second.parent.clear();
    }
  }
}

void Netfilter::apply(const Change<NetfilterChain>& change) {
  if (usable_.empty()) look();
  if (change.action != Action::remove) return write(change.key, change.value);
  for (NetfilterBackend* backend : usable_) remove(*backend, change.key);
}

void Netfilter::write(const NetfilterChain::Key& key, const NetfilterChain& wanted) {
  std::string refusals = "iptables-save and iptables-restore not found";
  for (NetfilterBackend* backend : usable_) {
    const CommandResult result = backend->write(key, wanted);
    if (result.status == 0) {
      std::stable_partition(usable_.begin(), usable_.end(),
                            [&](const auto* usable) { return usable == backend; });
      for (auto* other : usable_)
        if (other != backend) remove(*other, key);
      return;
    }
    refusals = backend->name() + "-restore: " + said(result);
    if (!NetfilterBackend::lacks_kernel(result)) throw OsError(EINVAL, operation(key) + refusals);
  }
  throw OsError(ENOENT, operation(key) + refusals);
}

void Netfilter::remove(NetfilterBackend& backend, const NetfilterChain::Key& key) {
  const CommandResult result = backend.remove(key);
  if (result.status != 0) {
    throw OsError(EINVAL, operation(key) + backend.name() + "-restore: " + said(result));
  }
}

}  // namespace pellicle
