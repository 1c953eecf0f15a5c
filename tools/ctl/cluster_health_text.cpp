#include "tools/ctl/cluster_health_text.h"

#include <cstdio>

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kNameColumns = 22;  // as in the list of peers

std::string way_of(const Json& path) {
  const auto way = text_of(path, "way");
  const bool ipv6 = text_of(path, "address").find(':') != std::string::npos;
  return ipv6 ? way + " IPv6" : way;
}

// "0.31 ms"
std::string milliseconds(const Json& path) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", path.value("latencyMicroseconds", 0.0) / 1000);
  return text;
}

std::string sentence_of(const Json& path) {
  if (path.value("reachable", false)) return way_of(path) + ": " + milliseconds(path);
  if (!path.contains("checked")) return way_of(path) + ": not asked yet";
  return way_of(path) + ": " + text_of(path, "message") + " since " + text_of(path, "since");
}

// One row when all paths work; otherwise one per path.
void reached_lines(Screen& screen, const Json& node) {
  const auto name = "  " + text_of(node, "name");
  if (!node.value("reachable", false)) {
    screen.row(name);
    for (const auto& path : node.at("paths")) screen.paragraph(4, sentence_of(path));
    return;
  }
  std::string row;
  for (const auto& path : node.at("paths")) {
    row += (row.empty() ? "" : ", ") + way_of(path) + " " + milliseconds(path);
  }
  screen.line(padded(name, kNameColumns + 2), row);
}

}  // namespace

void cluster_health_lines(Screen& screen, const Json& status, bool verbose) {
  const auto found = status.find("clusterHealth");
  if (found == status.end()) return;
  const auto& health = *found;
  const auto total = health.value("total", 0ULL);
  const auto unasked = total - health.value("asked", 0ULL);
  std::string text =
      std::to_string(health.value("reachable", 0ULL)) + "/" + std::to_string(total) + " reachable";
  if (unasked > 0) text += ", " + std::to_string(unasked) + " not asked yet";
  if (health.contains("checked")) text += " (" + text_of(health, "checked") + ")";
  screen.line("Cluster health:", text);
  for (const auto& node : health.at("nodes")) {
    const bool away = node.value("asked", false) && !node.value("reachable", false);
    if (verbose || away) reached_lines(screen, node);
  }
}

}  // namespace pellicle::ctl
