#include "tools/ctl/endpoint_text.h"

#include <algorithm>
#include <vector>

#include "tools/ctl/table.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kContainerDigits = 12;  // the short form of container runtimes

std::string container_of(const Json& endpoint) {
  const auto id = endpoint.value("id", "");
  return id.empty() ? "unknown" : id.substr(0, std::min(kContainerDigits, id.find(':')));
}

std::vector<Row> rows_of(const Json& endpoint) {
  std::vector<Row> rows;
  for (const auto& entry : endpoint.at("addresses")) {
    const auto address = entry.at("address").get<std::string>();
    if (!rows.empty()) {
      rows.push_back({"", address, "", ""});
      continue;
    }
    rows.push_back({endpoint.value("name", "-"), address, endpoint.value("device", "-"),
                    container_of(endpoint)});
  }
  return rows;
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
