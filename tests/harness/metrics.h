// Metrics as Prometheus parses them: errors in a text, and single values.
#pragma once

#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace pellicle {

// A sentence for each line that Prometheus would reject, or that would repeat a series.
inline std::vector<std::string> metrics_problems(const std::string& text) {
  static const std::regex kHelp("# HELP ([a-z_]+) .+");
  static const std::regex kType("# TYPE ([a-z_]+) (counter|gauge)");
  static const std::regex kSample(
      R"(([a-z_]+)(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? [0-9.e+-]+)");
  std::vector<std::string> problems;
  std::set<std::string> families;
  std::set<std::string> series;
  std::string helped;
  std::string family;
  std::istringstream lines(text);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, match, kHelp)) {
      helped = match[1];
      if (!families.insert(helped).second) problems.push_back("twice: " + line);
    } else if (std::regex_match(line, match, kType)) {
      family = match[1];
      if (family != helped) problems.push_back("without help: " + line);
      if ((match[2] == "counter") != family.ends_with("_total")) {
        problems.push_back("counters and nothing else end in _total: " + line);
      }
    } else if (!std::regex_match(line, match, kSample)) {
      problems.push_back("no metric: " + line);
    } else {
      if (match[1] != family) problems.push_back("not of the family before it: " + line);
      if (!series.insert(line.substr(0, line.rfind(' '))).second) {
        problems.push_back("twice: " + line);
      }
    }
  }
  if (series.empty()) problems.push_back("there are no metrics");
  if (!text.ends_with('\n')) problems.push_back("no line break at the end");
  return problems;
}

// The value of one series, named as in the text: `pellicle_peers{state="encrypted"}`.
inline std::optional<double> metric(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return std::nullopt;
}

// The sum over a family's series that have all of these labels: `direction="in"`.
inline double metric_sum(const std::string& text, const std::string& family,
                         const std::vector<std::string>& labels = {}) {
  double sum = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(family + "{") && !line.starts_with(family + " ")) continue;
    bool has_all = true;
    for (const auto& label : labels) has_all = has_all && line.find(label) != std::string::npos;
    if (has_all) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

}  // namespace pellicle
