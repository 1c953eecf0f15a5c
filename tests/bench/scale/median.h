// Medians of numbers, and of records member by member.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace pellicle::bench {

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// For structs that hold only doubles.
template <class Record>
Record median(const std::vector<Record>& records) {
  constexpr size_t kMembers = sizeof(Record) / sizeof(double);
  using Members = std::array<double, kMembers>;
  static_assert(sizeof(Members) == sizeof(Record));
  Members result;
  for (size_t i = 0; i < kMembers; ++i) {
    std::vector<double> values;
    for (const auto& record : records) values.push_back(std::bit_cast<Members>(record)[i]);
    result[i] = median(std::move(values));
  }
  return std::bit_cast<Record>(result);
}

}  // namespace pellicle::bench
