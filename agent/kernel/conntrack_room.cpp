#include "agent/kernel/conntrack_room.h"

#include <cstdint>
#include <fstream>

namespace pellicle {

namespace {

// Connections end all the time, so even a full table has some room at the moment of reading.
constexpr uint64_t kFullPercent = 95;

std::optional<uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<Problem> conntrack_problem(const std::string& proc) {
  const auto most = number_in(proc + "/nf_conntrack_max");
  const auto tracked = number_in(proc + "/nf_conntrack_count");
  // A limit of 0 means no limit.
  if (!most || !tracked || *most == 0 || *tracked * 100 < *most * kFullPercent) return std::nullopt;
  return Problem{
      .object = "Kernel nf_conntrack",
      .field = "",
      .sentence = "the table of connections is full (net.netfilter.nf_conntrack_max is " +
                  std::to_string(*most) + "): what begins a new one is dropped, of pods too"};
}

}  // namespace pellicle
