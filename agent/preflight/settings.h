// The kernel's settings that an agent sets (agent/desired/settings.h): can it, and who else does?
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/preflight/finding.h"

namespace pellicle {

// A line of sysctl.d(5) that names one file below /proc/sys.
struct SysctlLine {
  std::string file;  // "/etc/sysctl.d/90-hardening.conf"
  size_t line = 0;   // the first is 1
  std::string value;
};
// By path, "net/ipv4/conf/all/rp_filter": the line that counts. Patterns are left out: what they
// set they set once, when the node boots or the device comes. `root`: where the host's folders are.
std::map<std::string, SysctlLine> read_sysctl_files(const std::string& root = "");

struct SettingFacts {
  std::string path;
  std::string wanted;
  std::optional<std::string> value;  // none: there is no such file
  bool writable = true;
};
// Those of all devices and of the uplink; of the latter none where it is empty.
std::vector<SettingFacts> read_settings(const std::string& uplink);

Finding judge_setting(const SettingFacts& facts, const std::map<std::string, SysctlLine>& files);

}  // namespace pellicle
