#include "tests/soak/agent_logs.h"

#include <time.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace pellicle::soak {

namespace {

using Steady = std::chrono::steady_clock;
using System = std::chrono::system_clock;

// "2026-11-26T12:42:55.123Z" as a time of the steady clock; none for another text. The guest's
// clocks go alike.
std::optional<Time> time_of(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  const auto whole = System::from_time_t(timegm(&parts));
  const auto fraction = std::chrono::duration<double>(std::strtod(rest, nullptr));
  return Steady::now() - std::chrono::duration_cast<Steady::duration>(System::now() - whole) +
         std::chrono::duration_cast<Steady::duration>(fraction);
}

bool is_wrong(const std::string& node, const std::string& line, const Ledger& ledger) {
  if (line.find("runtime error:") != line.npos || line.find("Sanitizer") != line.npos) return true;
  std::istringstream words(line);
  std::string time, level;
  words >> time >> level;
  if (level != "error" && level != "critical") return false;
  const auto said = time_of(time);
  return !said || !ledger.explanation(node, *said);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> complaints(const std::string& directory,
                                                            const Ledger& ledger) {
  constexpr std::string_view kSuffix = "-agent.log";
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::string node = entry.path().filename().string();
    if (!node.ends_with(kSuffix)) continue;
    node.resize(node.size() - kSuffix.size());
    std::ifstream log(entry.path());
    for (std::string line; std::getline(log, line);) {
      if (is_wrong(node, line, ledger)) found.emplace_back(node, line);
    }
  }
  return found;
}

}  // namespace pellicle::soak
