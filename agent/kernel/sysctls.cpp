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

// Splits a path "net/ipv4/conf/DEVICE/NAME" in three; DEVICE may be "all". For other paths, all
// parts are empty.
struct DeviceFile {
  explicit DeviceFile(const std::string& path) {
    constexpr std::string_view folder = "/conf/";
    const auto start = path.find(folder);
    const auto end = path.rfind('/');
    if (start == std::string::npos || end < start + folder.size()) return;
    before = path.substr(0, start + folder.size());
    device = path.substr(before.size(), end - before.size());
    after = path.substr(end);
  }

  std::string before;
  std::string device;
  std::string after;
};

void follow(Ledger& ledger, const Devices& devices) {
  std::vector<std::pair<std::string, Ledger::Original>> moved;
  const auto noted = ledger.sysctls();
  for (const auto& [path, original] : noted) {
    if (original.device == 0) continue;
    const DeviceFile file(path);
    const auto name = devices.name(original.device);
    if (name == file.device) continue;
    ledger.forget_sysctl(path);
    if (!name.empty()) moved.emplace_back(file.before + name + file.after, original);
  }
  // Only after all old paths are gone: two devices may have swapped names.
  for (const auto& [path, original] : moved) ledger.note_sysctl(path, original);
}

void note_originals(Ledger& ledger, const Devices& devices,
                    std::span<const Change<Sysctl>> changes) {
  for (const auto& change : changes) {
    if (change.action == Action::remove) continue;
    try {
      const auto original = read_sysctl(change.key.path);
      const Link* link = devices.find(DeviceFile(change.key.path).device);
      if (original) ledger.note_sysctl(change.key.path, {*original, link ? link->index : 0});
    } catch (const OsError&) {
      // Unreadable: the write that follows reports the reason.
    }
  }
  ledger.save();
}

Outcome restore(Ledger& ledger, const std::string& path) {
  const auto original = ledger.sysctls().find(path);
  if (original == ledger.sysctls().end()) return {};
  auto outcome = write(path, original->second.value);
  if (outcome.error == ENOENT) outcome = {};  // the file disappeared with its device
  if (outcome.ok()) ledger.forget_sysctl(path);
  return outcome;
}

}  // namespace

void dump_sysctls(Ledger& ledger, const Devices& devices, KernelState& into) {
  follow(ledger, devices);
  for (const auto& [path, original] : ledger.sysctls()) {
    into.sysctls.emplace(Sysctl::Key{path}, Sysctl{read_sysctl(path).value_or("")});
  }
}

std::vector<Outcome> apply_sysctls(Ledger& ledger, const Devices& devices,
                                   std::span<const Change<Sysctl>> changes) {
  follow(ledger, devices);
  note_originals(ledger, devices, changes);
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
