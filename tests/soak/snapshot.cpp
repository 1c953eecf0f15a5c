#include "tests/soak/snapshot.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>

namespace pellicle::soak {

using namespace lab;

namespace {

std::string proc(const NodeAgent& agent) {
  return "/proc/" + std::to_string(agent.pid());
}

// "VmRSS:\t   12345 kB" gives 12345.
size_t status_number(const NodeAgent& agent, const std::string& field) {
  std::istringstream lines(file_text(proc(agent) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(field + ":")) return std::stoul(line.substr(field.size() + 1));
  }
  throw LabError(proc(agent) + "/status has no " + field);
}

size_t files_in(const std::string& directory) {
  const std::filesystem::directory_iterator files(directory), end;
  return static_cast<size_t>(std::distance(files, end));
}

size_t lines_of(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

size_t entries(const NodeAgent& agent, const std::string& map) {
  const auto dump =
      nlohmann::json::parse(must("bpftool -j map dump pinned " + agent.bpf_root() + "/" + map));
  return dump.size();
}

size_t least_resident(const NodeAgent& agent) {
  size_t least = resident(agent);
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(100ms);
    least = std::min(least, resident(agent));
  }
  return least;
}

NodeUse node_use(Cluster& cluster, const std::string& node) {
  const NodeAgent& agent = cluster.lab.agent(node);
  NodeUse use{.resident = least_resident(agent),
              .descriptors = files_in(proc(agent) + "/fd"),
              .threads = status_number(agent, "Threads"),
              .counts = {},
              .listing = node_listing(node, agent)};
  for (const char* map : {"pellicle_peers", "pellicle_eps"}) {
    use.counts["entries of " + std::string(map)] = entries(agent, map);
  }
  std::erase_if(use.listing, [&](const std::string& item) {
    const bool state = item.starts_with("state: ");
    // The states by which it sent to a node that left stay until their key or epoch ends.
    const bool sends = item.find("output-mark 0xe00/0xf00") != std::string::npos;
    if (state && !sends) ++use.counts["XFRM states"];
    const bool policy = item.starts_with("policy: ");
    if (policy) ++use.counts["XFRM policies"];
    return state || policy;
  });
  // The first DEL without an agent makes this directory, and it stays; its files must go.
  use.listing.erase("file: " + agent.state_dir() + "/deletions");
  // Changes since a file was last written as a whole, if there are any.
  std::erase_if(use.listing, [](const std::string& item) {
    return item.starts_with("file: ") && item.ends_with(".more");
  });
  return use;
}

// Of all processes. A namespace that is only held open, without a process in it, does not count.
size_t namespaces_in_use() {
  std::set<std::string> all;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::error_code gone;
    const auto ns = std::filesystem::read_symlink(process.path() / "ns/net", gone);
    if (!gone) all.insert(ns.string());
  }
  return all.size();
}

std::string number_changed(const std::string& what, size_t before, size_t after) {
  return what + ": " + std::to_string(before) + " before, " + std::to_string(after) + " at the end";
}

void compare(const std::string& where, const std::map<std::string, size_t>& before,
             const std::map<std::string, size_t>& after, std::vector<std::string>& sentences) {
  std::map<std::string, size_t> all = before;
  all.insert(after.begin(), after.end());
  const auto number = [](const std::map<std::string, size_t>& counts, const std::string& what) {
    const auto found = counts.find(what);
    return found == counts.end() ? 0 : found->second;
  };
  for (const auto& [what, count] : all) {
    const size_t was = number(before, what);
    const size_t is = number(after, what);
    if (is != was) sentences.push_back(number_changed(where + what, was, is));
  }
}

void compare(const std::string& node, const NodeUse& before, const NodeUse& after,
             std::vector<std::string>& sentences) {
  compare(node + ": ", before.counts, after.counts, sentences);
  for (const std::string& item : missing(after.listing, before.listing)) {
    sentences.push_back(node + ": was not there before: " + item);
  }
  for (const std::string& item : missing(before.listing, after.listing)) {
    sentences.push_back(node + ": is not there any more: " + item);
  }
  const std::string agent = node + "'s agent: ";
  if (after.descriptors > before.descriptors + kDescriptorAllowance) {
    sentences.push_back(
        number_changed(agent + "file descriptors", before.descriptors, after.descriptors));
  }
  if (after.threads != before.threads) {
    sentences.push_back(number_changed(agent + "threads", before.threads, after.threads));
  }
  if (after.resident > before.resident + kMemoryAllowance) {
    sentences.push_back(number_changed(agent + "resident bytes", before.resident, after.resident) +
                        ", " + std::to_string(kMemoryAllowance) + " more are allowed");
  }
}

}  // namespace

size_t resident(const NodeAgent& agent) {
  return status_number(agent, "VmRSS") << 10;
}

Use use_of(Cluster& cluster) {
  Use use;
  for (const std::string& node : cluster.nodes) use.nodes[node] = node_use(cluster, node);
  use.counts["network namespaces in use"] = namespaces_in_use();
  use.counts["eBPF programs"] = lines_of(must("bpftool prog show | grep -E '^[0-9]+:'"));
  use.counts["eBPF maps"] = lines_of(must("bpftool map show | grep -E '^[0-9]+:'"));
  for (const auto& file : std::filesystem::directory_iterator("/run/netns")) {
    use.namespaces.push_back(file.path().filename().string());
  }
  std::sort(use.namespaces.begin(), use.namespaces.end());
  return use;
}

std::vector<std::string> not_returned(const Use& before, const Use& after) {
  std::vector<std::string> sentences;
  for (const auto& [node, use] : after.nodes) {
    compare(node, before.nodes.at(node), use, sentences);
  }
  compare("", before.counts, after.counts, sentences);
  if (before.namespaces != after.namespaces) {
    std::string names;
    for (const std::string& name : after.namespaces) names += " " + name;
    sentences.push_back("network namespaces are not those there were before:" + names);
  }
  return sentences;
}

Counters counters_of(Cluster& cluster, const std::string& node) {
  Counters counters;
  std::istringstream words(file_text(proc(cluster.lab.agent(node)) + "/net/xfrm_stat"));
  std::string name;
  for (uint64_t count = 0; words >> name >> count;) counters["xfrm " + name] = count;
  const auto drops = cluster.status(node)["drops"];
  for (const auto& [reason, count] : drops.items()) {
    if (reason == "blocked") continue;  // XFRM's, counted above
    counters["eBPF " + reason] = count["packets"].get<uint64_t>();
  }
  return counters;
}

}  // namespace pellicle::soak
