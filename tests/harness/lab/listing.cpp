#include "tests/harness/lab/listing.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "tests/harness/lab/picture.h"

namespace pellicle::lab {

namespace {

void add_lines(Listing& listing, const std::string& section, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) listing.insert(section + ": " + line);
  }
}

// One item for each line that does not begin with a blank, together with the indented lines below
// it.
void add_blocks(Listing& listing, const std::string& section, const std::string& text) {
  std::string block;
  const auto finish = [&] {
    if (!block.empty()) listing.insert(section + ": " + block);
    block.clear();
  };
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool goes_on = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    if (!goes_on) finish();
    block += line + "\n";
  }
  finish();
}

// All user-defined chains and all rules, each with its table's name. The list of tables and the
// counters of built-in chains depend on earlier reads, so they are left out.
void add_netfilter(Listing& listing, const std::string& saved) {
  std::string table;
  std::istringstream lines(saved);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("*")) table = line.substr(1);
    const bool chain = line.starts_with(":") && line.find(" - ") != line.npos;
    if (chain) line.erase(line.find(" - "));
    if (chain || line.starts_with("-")) listing.insert("iptables: " + table + " " + line);
  }
}

void add_files(Listing& listing, const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored)) return;
  listing.insert("file: " + directory);
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory, ignored)) {
    listing.insert("file: " + file.path().string());
  }
}

constexpr const char* kTrafficControl =
    "printf 'qdisc show dev eth0\nfilter show dev eth0 ingress\nfilter show dev eth0 egress\n' | "
    "tc -batch -";
constexpr const char* kSysctls =
    "cd /proc/sys/net && grep -r . ipv4/ip_forward ipv4/conf/all ipv4/conf/default ipv4/conf/eth0";

}  // namespace

Listing node_listing(const std::string& netns, const NodeAgent& agent) {
  Listing listing;
  const KernelPicture picture = kernel_picture(netns);
  add_lines(listing, "rule", picture.rules);
  add_lines(listing, "route", must_in(netns, "ip -4 route show table all"));
  add_blocks(listing, "state", picture.states);
  add_blocks(listing, "policy", picture.policies);
  add_blocks(listing, "link", picture.links);
  add_lines(listing, "address", picture.addresses);
  add_blocks(listing, "tc", must_in(netns, kTrafficControl));
  add_netfilter(listing, must_in(netns, "iptables-legacy-save"));
  if (iptables() != "iptables-legacy") add_netfilter(listing, must_in(netns, iptables() + "-save"));
  add_lines(listing, "sysctl", must_in(netns, kSysctls));
  add_files(listing, agent.bpf_root());
  add_files(listing, agent.state_dir());
  return listing;
}

std::vector<std::string> missing(const Listing& these, const Listing& those) {
  std::vector<std::string> lacking;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(lacking));
  return lacking;
}

}  // namespace pellicle::lab
