#include "agent/preflight/settings.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "agent/desired/settings.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/sysctl.h"

namespace pellicle {

namespace fs = std::filesystem;

namespace {

// In the order of sysctl.d(5): a file hides one of its name in a later folder.
constexpr std::array kFolders = {"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d",
                                 "/usr/lib/sysctl.d", "/lib/sysctl.d"};

// In the order in which they are read: by name, and what `sysctl --system` reads last.
std::vector<std::string> files(const std::string& root) {
  std::map<std::string, std::string> by_name;
  for (const char* folder : kFolders) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(root + folder, absent)) {
      if (entry.path().extension() == ".conf")
        by_name.emplace(entry.path().filename(), entry.path());
    }
  }
  std::vector<std::string> all;
  all.reserve(by_name.size() + 1);
  for (auto& [name, path] : by_name) all.push_back(std::move(path));
  all.push_back(root + "/etc/sysctl.conf");
  return all;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t-");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The first of . and / in a name is its separator; the other one is a dot in a device's name.
std::string path_of(std::string name) {
  if (name.find_first_of("./") == std::string::npos || name[name.find_first_of("./")] == '/') {
    return name;
  }
  for (char& c : name) c = c == '.' ? '/' : c == '/' ? '.' : c;
  return name;
}

void read_file(const std::string& path, const std::string& shown,
               std::map<std::string, SysctlLine>& into) {
  std::ifstream file(path);
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto equals = line.find('=');
    const auto name = trimmed(line.substr(0, equals));
    if (equals == std::string::npos || name.empty() || name.front() == '#' || name.front() == ';' ||
        name.find('*') != std::string::npos) {
      continue;
    }
    into[path_of(name)] = {shown, number, trimmed(line.substr(equals + 1))};
  }
}

}  // namespace

std::map<std::string, SysctlLine> read_sysctl_files(const std::string& root) {
  std::map<std::string, SysctlLine> lines;
  for (const auto& file : files(root)) read_file(file, file.substr(root.size()), lines);
  return lines;
}

std::vector<SettingFacts> read_settings(const std::string& uplink) {
  Table<Sysctl> wanted;
  for (const auto family : kFamilies) {
    set_for(kOnAll, family, "all", wanted);
    if (!uplink.empty()) set_for(kOnUplink, family, uplink, wanted);
  }
  std::vector<SettingFacts> all;
  for (const auto& [key, setting] : wanted) {
    SettingFacts facts{.path = key.path, .wanted = setting.value, .value = {}};
    try {
      facts.value = read_sysctl(key.path);
      facts.writable = !facts.value || sysctl_is_writable(key.path);
    } catch (const OsError&) {
      facts.writable = false;
    }
    all.push_back(std::move(facts));
  }
  return all;
}

Finding judge_setting(const SettingFacts& facts, const std::map<std::string, SysctlLine>& files) {
  Finding finding{.topic = kSettingTopic, .what = facts.path};
  if (!facts.value && facts.writable) {
    finding.found = "not in this kernel";
    return finding;
  }
  finding.found = facts.value.value_or("not readable");
  if (facts.value != facts.wanted) {
    finding.found += "; the agent sets " + facts.wanted;
    if (!facts.writable) {
      finding.found += ", which it cannot from here: read-only";
      finding.verdict = Verdict::fail;
      finding.remedy =
          "run the agent with /proc/sys/net writable, or as the chart does with it "
          "mounted at /host/proc/sys/net";
      return finding;
    }
  }
  const auto other = files.find(facts.path);
  if (other == files.end() || other->second.value == facts.wanted) return finding;
  finding.found += "; " + other->second.file + ", line " + std::to_string(other->second.line) +
                   ", sets " + other->second.value;
  finding.verdict = Verdict::warn;
  finding.remedy =
      "take that line away: until the agent notices, packets are lost whenever "
      "somebody applies it";
  return finding;
}

}  // namespace pellicle
