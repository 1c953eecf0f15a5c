// The versions of the CNI specification that are spoken.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace pellicle::cni {

inline constexpr std::array<std::string_view, 4> kVersions{"0.3.1", "0.4.0", "1.0.0", "1.1.0"};
inline constexpr std::string_view kNewest = kVersions.back();

inline bool is_supported(std::string_view version) {
  return std::find(kVersions.begin(), kVersions.end(), version) != kVersions.end();
}

// Both must be among kVersions.
inline bool is_at_least(std::string_view version, std::string_view release) {
  return std::find(kVersions.begin(), kVersions.end(), version) >=
         std::find(kVersions.begin(), kVersions.end(), release);
}

}  // namespace pellicle::cni
