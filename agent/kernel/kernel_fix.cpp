#include "agent/kernel/kernel_fix.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdio>
#include <string_view>

namespace pellicle {

namespace {

struct Release {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned patch = 0;
  auto operator<=>(const Release&) const = default;
};

// The first release of each branch of kernel.org that has the fix, and all later branches have it.
// Source: the stable releases of kernel.org of May 2026; the CVE's record is of 2026-05-08. A
// branch that is not here is not known.
constexpr std::array kFixed = {Release{6, 6, 138}, Release{6, 12, 87}, Release{6, 18, 28},
                               Release{7, 0, 6}};

// Behind the number, in releases of: Debian, Ubuntu, RHEL and Fedora, Amazon, Azure, SUSE, Oracle.
constexpr std::array<std::string_view, 18> kVendors = {
    "+deb", "-amd64", "-arm64", "-cloud", "-generic", "-lowlatency", "-aws", "-gcp",    "-azure",
    ".el",  ".fc",    ".amzn",  ".azl",   ".cm2",     "-default",    "-uek", "-oracle", "-kvm"};

std::string to_string(const Release& release) {
  return std::to_string(release.major) + "." + std::to_string(release.minor) + "." +
         std::to_string(release.patch);
}

// COS has a plus at the end: "6.6.87+".
bool is_vendors(std::string_view release) {
  return release.ends_with('+') ||
         std::any_of(kVendors.begin(), kVendors.end(), [&](std::string_view mark) {
           return release.find(mark) != std::string_view::npos;
         });
}

}  // namespace

HasFix has_esp_fix(const std::string& release) {
  Release own;
  const int read = std::sscanf(release.c_str(), "%u.%u.%u", &own.major, &own.minor, &own.patch);
  if (read != 3 || is_vendors(release)) return HasFix::unknown;
  if (own > kFixed.back()) return HasFix::yes;
  for (const auto& fixed : kFixed) {
    if (own.major != fixed.major || own.minor != fixed.minor) continue;
    return own >= fixed ? HasFix::yes : HasFix::no;
  }
  return HasFix::unknown;
}

std::string esp_fix_releases() {
  std::string text = "Linux ";
  for (size_t i = 0; i < kFixed.size(); ++i) {
    if (i > 0) text += i + 1 < kFixed.size() ? ", " : " and ";
    text += to_string(kFixed[i]);
  }
  return text + " have a fix";
}

std::string about_esp_fix(const std::string& release) {
  switch (has_esp_fix(release)) {
    case HasFix::yes:
      return "this kernel (" + release + ") has it";
    case HasFix::no:
      return "this kernel (" + release + ") does not";
    case HasFix::unknown:
      break;
  }
  return "whether this kernel (" + release + ") has it, its vendor knows";
}

}  // namespace pellicle
