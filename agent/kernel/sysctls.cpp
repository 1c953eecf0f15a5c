#include "agent/kernel/sysctls.h"

#include <cerrno>

#include "agent/kernel/os_error.h"
#include "agent/kernel/sysctl.h"

namespace pellicle {

namespace {

Outcome write(const std::string& path, const std::string& value) {
  try {
    write_sysctl(path, value);
    return {};
  } catch (const OsError& error) {
    return {error.error(), error.what()};
  }
}

void note_originals(Ledger& ledger, std::span<const Change<Sysctl>> changes) {
  for (const auto& change : changes) {
    if (change.action == Action::remove) continue;
    try {
      const auto original = read_sysctl(change.key.path);
      if (original) ledger.note_sysctl(change.key.path, *original);
    } catch (const OsError&) {
      // Unreadable: the write that follows says why, and nothing else waits for it.
    }
  }
  ledger.save();
}

Outcome restore(Ledger& ledger, const std::string& path) {
  const auto original = ledger.sysctls().find(path);
  if (original == ledger.sysctls().end()) return {};
  auto outcome = write(path, original->second);
  if (outcome.error == ENOENT) outcome = {};  // gone with its device
  if (outcome.ok()) ledger.forget_sysctl(path);
  return outcome;
}

}  // namespace

void dump_sysctls(const Ledger& ledger, KernelState& into) {
  for (const auto& [path, original] : ledger.sysctls()) {
    into.sysctls.emplace(Sysctl::Key{path}, Sysctl{read_sysctl(path).value_or("")});
  }
}

std::vector<Outcome> apply_sysctls(Ledger& ledger, std::span<const Change<Sysctl>> changes) {
  note_originals(ledger, changes);
  std::vector<Outcome> outcomes;
  for (const auto& [action, key, value] : changes) {
    if (action == Action::remove) {
      outcomes.push_back(restore(ledger, key.path));
    } else {
      outcomes.push_back(write(key.path, value.value));
    }
  }
  ledger.save();
  return outcomes;
}

}  // namespace pellicle
