// Changes by others in the kernel and on the wire, and how the agent learns of them.
#include "agent/agent.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/sysctl.h"
#include "agent/log.h"

namespace pellicle {

void Agent::heard(Changes changes) {
  if (changes.erase(kSettingChange) > 0) settings_.announced();
  if (changes.empty()) return;
  passes_.request(pace_.of(changes, PassPace::Clock::now()));
}

// Checks only these, because a pass reads all of the kernel's state.
void Agent::look_at_settings() {
  if (!sysctls_hold(passes_.last().desired.state.sysctls)) return passes_.request();
  try {
    if (!kernel_.datapath().tcx_is_unchanged()) passes_.request();
  } catch (const OsError& error) {
    log::debug("tcx programs cannot be looked at", {{"error", error.what()}});
  }
}

void Agent::heard_of_paths(const std::vector<PathReport>& reports) {
  try {
    const auto& states = passes_.last().desired.state.states;
    if (narrow_paths_.hear(reports, states, NarrowPaths::Clock::now())) passes_.request();
  } catch (const std::system_error& error) {  // not saved: a restart tries the whole MTU
    log::warn("paths cannot be remembered", {{"error", error.what()}});
    passes_.request();
  }
}

void Agent::await_end_of_paths() {
  const auto now = NarrowPaths::Clock::now();
  const auto end = narrow_paths_.ends(now);
  if (end) passes_.request(std::chrono::ceil<std::chrono::milliseconds>(*end - now));
}

// The kernel announces a filter that comes or goes, and that starts a pass. It does not announce
// tcx programs: look_at_settings() finds those.
void Agent::look_at_hooks() {
  try {
    hook_problems_ = hook_problems(kernel_.datapath().hooks(passes_.last().desired.state));
  } catch (const OsError& error) {
    log::debug("hooks cannot be looked at", {{"error", error.what()}});
  }
}

}  // namespace pellicle
