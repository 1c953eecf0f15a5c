#include "agent/core/narrow_paths.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/files/replace_file.h"

namespace pellicle {

namespace {

using Json = nlohmann::json;
using std::chrono::nanoseconds;

constexpr int kVersion = 1;  // of the file's format

Json to_json(const IpAddress& peer, const PathMtu& path) {
  return {{"peer", peer.to_string()},
          {"mtu", path.mtu},
          {"router", path.router.to_string()},
          {"since", nanoseconds(path.since.time_since_epoch()).count()}};
}

PathMtus read(const std::string& path) {
  PathMtus known;
  std::ifstream file(path);
  if (!file) return known;
  const auto json = Json::parse(file, nullptr, false);
  if (!json.is_object() || json.value("version", 0) != kVersion) return known;
  for (const auto& each : json.at("paths")) {
    const auto peer = IpAddress::parse(each.at("peer").get<std::string>());
    const auto router = IpAddress::parse(each.at("router").get<std::string>());
    if (!peer || !router) continue;
    known[*peer] = {
        .mtu = each.at("mtu").get<uint32_t>(),
        .router = *router,
        .since = NarrowPaths::Clock::time_point(nanoseconds(each.at("since").get<int64_t>()))};
  }
  return known;
}

bool is_sent_with(const PathReport& report, const Table<State>& states) {
  for (auto state = states.lower_bound({.dst = report.peer}); state != states.end(); ++state) {
    if (state->first.dst != report.peer) break;
    if (state->first.spi == report.spi) return true;
  }
  return false;
}

}  // namespace

NarrowPaths::NarrowPaths(const std::string& state_dir) : path_(state_dir + "/paths.json") {
  try {
    known_ = read(path_);
  } catch (const Json::exception&) {
    known_.clear();
  }
}

bool NarrowPaths::is_news(const PathReport& report, const Table<State>& states,
                          Clock::time_point now) const {
  const auto least = report.peer.family() == Family::v4 ? kLeast4 : kLeast6;
  if (report.mtu < least || !is_sent_with(report, states)) return false;
  const auto known = known_.find(report.peer);
  return known == known_.end() || known->second.since + kBelieved <= now ||
         report.mtu < known->second.mtu;
}

bool NarrowPaths::hear(const std::vector<PathReport>& reports, const Table<State>& states,
                       Clock::time_point now) {
  bool news = false;
  for (const auto& report : reports) {
    if (!is_news(report, states, now)) continue;
    known_[report.peer] = {.mtu = report.mtu, .router = report.router, .since = now};
    news = true;
  }
  if (!news) return false;
  std::erase_if(known_, [&](const auto& each) { return each.second.since + kBelieved <= now; });
  save();
  return true;
}

PathMtus NarrowPaths::at(Clock::time_point now) const {
  auto believed = known_;
  std::erase_if(believed, [&](const auto& each) { return each.second.since + kBelieved <= now; });
  return believed;
}

std::optional<NarrowPaths::Clock::time_point> NarrowPaths::ends(Clock::time_point now) const {
  std::optional<Clock::time_point> first;
  for (const auto& [peer, path] : at(now)) {
    const auto end = path.since + kBelieved;
    if (!first || end < *first) first = end;
  }
  return first;
}

void NarrowPaths::save() const {
  auto paths = Json::array();
  for (const auto& [peer, path] : known_) paths.push_back(to_json(peer, path));
  replace_file(path_, Json{{"version", kVersion}, {"paths", paths}}.dump() + "\n");
}

}  // namespace pellicle
