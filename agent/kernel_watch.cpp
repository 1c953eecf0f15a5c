#include "agent/kernel_watch.h"

#include <system_error>

#include "agent/kernel/os_error.h"
#include "agent/kernel/sysctl.h"
#include "agent/log.h"

namespace pellicle {

KernelWatch::KernelWatch(boost::asio::io_context& context, const std::string& bpf_root,
                         const Parts& parts)
    : parts_(parts),
      settings_(context, [this] { look_at_settings(); }),
      monitor_(
          context, [this] { return parts_.kernel.ports(); },
          [this](const Changes& changes) { heard(changes); }),
      path_watch_(context, bpf_root, [this](const auto& reports) { heard_of_paths(reports); }) {}

void KernelWatch::heard(Changes changes) {
  if (changes.erase(kSettingChange) > 0) settings_.announced();
  if (changes.empty()) return;
  parts_.passes.request(pace_.of(changes, PassPace::Clock::now()));
}

// Checks only these, because a pass reads all of the kernel's state.
void KernelWatch::look_at_settings() {
  if (!sysctls_hold(parts_.core.last().desired.state.sysctls)) return parts_.passes.request();
  try {
    if (!parts_.kernel.datapath().tcx_is_unchanged()) parts_.passes.request();
  } catch (const OsError& error) {
    log::debug("tcx programs cannot be looked at", {{"error", error.what()}});
  }
}

void KernelWatch::heard_of_paths(const std::vector<PathReport>& reports) {
  try {
    const auto& states = parts_.core.last().desired.state.states;
    if (parts_.paths.hear(reports, states, NarrowPaths::Clock::now())) parts_.passes.request();
  } catch (const std::system_error& error) {  // not saved: a restart tries the whole MTU
    log::warn("paths cannot be remembered", {{"error", error.what()}});
    parts_.passes.request();
  }
}

}  // namespace pellicle
