#include "tests/harness/lab/told.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/harness/netfilter_tables.h"

namespace pellicle::lab {

namespace {

// The metric families that describe a node's state rather than its traffic.
const std::set<std::string> kTelling = {"pellicle_ready",
                                        "pellicle_problems",
                                        "pellicle_peers",
                                        "pellicle_ip_addresses",
                                        "pellicle_drop_count_total",
                                        "pellicle_objects_pending",
                                        "pellicle_pass_failing",
                                        "pellicle_api_watch_healthy",
                                        "pellicle_ipsec_xfrm_error_total",
                                        "pellicle_ipsec_rejected_total",
                                        "pellicle_unreachable_nodes",
                                        "pellicle_unreachable_health_endpoints",
                                        "pellicle_node_health_connectivity_status"};

std::string without_chance(std::string text) {
  static const std::pair<std::regex, const char*> kChance[] = {
      {std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), "<time>"},
      {std::regex(", [0-9]+ passes"), ", <n> passes"},
      {std::regex("(10\\.0\\.[0-9]+\\.)[0-9]+:4240"), "$1<health>:4240"},
      {std::regex(
           "[0-9]+ (no_key|unencrypted|no_endpoint|no_route|malformed|no_config|tagged|forged|"
           "forged_node|clear_text)"),
       "<n> $1"},
      {std::regex("[0-9]+\\.[0-9]+ ms"), "<n> ms"},
      {std::regex("spi=\"[0-9]+\""), "spi=\"<spi>\""},
      {std::regex("lxc[0-9a-f]{12}"), "lxc<id>"}};
  for (const auto& [chance, word] : kChance) text = std::regex_replace(text, chance, word);
  return text;
}

std::map<std::string, std::string> series(const std::string& text) {
  std::map<std::string, std::string> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto name = line.substr(0, line.find_first_of("{ "));
    const auto blank = line.rfind(' ');
    if (kTelling.contains(name)) all[line.substr(0, blank)] = line.substr(blank + 1);
  }
  return all;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Told::Told(Lab& lab, std::string node, bool from_the_start) : lab_(lab), node_(std::move(node)) {
  metrics_before_ = metrics();
  if (!from_the_start) events_before_ = lab_.api().history("events").size();
}

bool Told::says(const std::string& words, Seconds limit) {
  return wait_until([&] { return lab_.agent(node_).says().find(words) != std::string::npos; },
                    limit);
}

bool Told::healthy(Seconds limit) {
  return says("Problems: none", limit);
}

std::string Told::metrics() {
  return sh_in(node_, "curl --silent http://127.0.0.1:9879/metrics").output;
}

// Counters count only if they grew by more than a repair in between may cause.
std::string Told::text() {
  const Result status = lab_.agent(node_).ctl("status");
  std::string text = "$ pellicle status; echo $?\n" + status.output +
                     std::to_string(status.status) + "\n\nMetrics that changed:\n";
  const auto before = series(metrics_before_);
  for (const auto& [name, value] : series(metrics())) {
    const auto known = before.find(name);
    if (known != before.end() && known->second == value) continue;
    const bool counter = name.substr(0, name.find('{')).ends_with("_total");
    const auto was = known == before.end() ? 0 : std::stod(known->second);
    if (counter && std::stod(value) < was + 3) continue;
    text += "  " + name + " " + (counter ? "<more>" : value) + "\n";
  }
  return without_chance(text + "\nEvents:\n" + events());
}

std::string Told::events() const {
  std::set<std::string> lines;
  const auto all = lab_.api().history("events");
  for (size_t i = events_before_; i < all.size(); ++i) {
    const auto& event = *all[i].object;
    if (event["involvedObject"].value("name", "") != node_) continue;
    lines.insert("  " + event.value("type", "") + " " + event.value("reason", "") + ": " +
                 event.value("message", "") + "\n");
  }
  std::string text;
  for (const auto& line : lines) text += line;
  return text;
}

bool Told::as_checked_in(const std::string& name) {
  return is_as_checked_in(lab_, name, [this] { return text(); });
}

bool is_as_checked_in(const Lab& lab, const std::string& name,
                      const std::function<std::string()>& text) {
  const std::string checked_in =
      std::string(PELLICLE_SOURCE_DIR) + "/tests/datapath/told/" + name + ".txt";
  const auto expected = read(checked_in);
  std::string now;
  const auto told = [&] { return (now = text()) == expected; };
  if (wait_until(told, 15s)) return true;  // an Event comes after the screen
  need_netfilter_tables("what an agent without problems tells");
  const auto directory = lab.log_dir() + "/told";
  std::filesystem::create_directories(directory);
  write_file(directory + "/" + name + ".txt", now);
  std::fprintf(stderr,
               "--- %s is not what is told now; if this is right, copy it there from the results' "
               "told/%s.txt:\n%s---\n",
               checked_in.c_str(), name.c_str(), now.c_str());
  return false;
}

}  // namespace pellicle::lab
