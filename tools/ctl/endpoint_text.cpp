#include "tools/ctl/endpoint_text.h"

#include <algorithm>
#include <vector>

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

constexpr size_t kContainerDigits = 12;  // as container runtimes shorten them

std::string container_of(const Json& endpoint) {
  const auto id = endpoint.value("id", "");
  return id.empty() ? "unknown" : id.substr(0, std::min(kContainerDigits, id.find(':')));
}

std::vector<Row> rows_of(const Json& endpoint) {
  std::vector<Row> rows;
  for (const auto& entry : endpoint["addresses"]) {
    const auto address = entry["address"].get<std::string>();
    if (!rows.empty()) {
      rows.push_back({"", address, "", ""});
      continue;
    }
    rows.push_back({endpoint.value("name", "-"), address, endpoint.value("device", "-"),
                    container_of(endpoint)});
  }
  return rows;
}

std::string table(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

std::string endpoint_text(const Json& endpoints) {
  if (endpoints.empty()) return "no pods on this node\n";
  std::vector<Json> sorted(endpoints.begin(), endpoints.end());
  std::sort(sorted.begin(), sorted.end(),
            [](const Json& a, const Json& b) { return a.value("name", "") < b.value("name", ""); });
  std::vector<Row> rows{{"POD", "ADDRESS", "DEVICE", "CONTAINER"}};
  for (const auto& endpoint : sorted) {
    for (auto& row : rows_of(endpoint)) rows.push_back(std::move(row));
  }
  return table(rows);
}

}  // namespace pellicle::ctl
