#include "tests/soak/agent_logs.h"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace pellicle::soak {

namespace {

using Steady = std::chrono::steady_clock;
using System = std::chrono::system_clock;

// "2026-11-26T12:42:55Z" as a time of the steady clock; nullopt for any other text. In the guest
// both clocks run at the same rate.
std::optional<Time> time_of(const std::string& text) {
  tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const auto said = System::from_time_t(timegm(&parts));
  return Steady::now() - std::chrono::duration_cast<Steady::duration>(System::now() - said);
}

// An agent writes one JSON object per line. Any other line comes from its runtime, such as
// std::terminate.
bool is_wrong(const std::string& node, const std::string& line, const Ledger& ledger) {
  const auto entry = nlohmann::json::parse(line, nullptr, false);
  if (!entry.is_object()) return true;
  if (entry.value("level", "error") != "error") return false;
  const auto said = time_of(entry.value("time", ""));
  return !said || !ledger.explanation(node, *said);
}

constexpr std::string_view kSuffix = "-agent.log";

}  // namespace

void forget_logs(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().string().ends_with(kSuffix)) std::filesystem::remove(entry.path());
  }
}

std::vector<std::pair<std::string, std::string>> complaints(const std::string& directory,
                                                            const Ledger& ledger) {
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
