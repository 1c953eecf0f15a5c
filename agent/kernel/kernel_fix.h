// Whether a release of Linux has the fix of the one defect because of which hosts forbid ESP. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace pellicle {

inline constexpr const char* kEspDefect = "CVE-2026-43284";

enum class HasFix : uint8_t { yes, no, unknown };

// `release` as uname says it: "6.12.90". Only releases of kernel.org are known, with whatever a
// builder adds behind them; vendors (Debian, Ubuntu, RHEL, Amazon, Azure, COS, SUSE) mend kernels
// under numbers of their own.
HasFix has_esp_fix(const std::string& release);

// "Linux 6.6.138, 6.12.87, 6.18.28 and 7.0.6 have a fix"
std::string esp_fix_releases();

// "this kernel (6.12.90) has it", "... does not", or who knows.
std::string about_esp_fix(const std::string& release);

}  // namespace pellicle
