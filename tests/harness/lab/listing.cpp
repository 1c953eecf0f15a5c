#include "tests/harness/lab/listing.h"

#include <algorithm>
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

// One item for each line that does not begin with a blank, with those below it that do.
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

// `tc` of one device. Its programs' numbers are the kernel's affair.
constexpr const char* kTrafficControl =
    "tc qdisc show dev eth0; tc filter show dev eth0 ingress; tc filter show dev eth0 egress";
// Packet counters of built-in chains go; tables are named, as a rule means nothing without.
constexpr const char* kNetfilter =
    "for table in raw mangle nat filter; do iptables-legacy-save -t $table | "
    "sed -n \"s/ \\[[0-9:]*\\]$//; s/^[:-]/$table &/p\"; done";
constexpr const char* kSysctls =
    "cd /proc/sys/net && grep -r . ipv4/ip_forward ipv4/conf/all ipv4/conf/default ipv4/conf/eth0";

}  // namespace

Listing node_listing(const std::string& netns, const NodeAgent& agent) {
  Listing listing;
  const KernelPicture picture = kernel_picture(netns);
  add_lines(listing, "rule", picture.rules);
  add_lines(listing, "route", must_in(netns, "ip -4 route show table all"));
  add_lines(listing, "rule6", must_in(netns, "ip -6 rule"));
  add_blocks(listing, "state", picture.states);
  add_blocks(listing, "policy", picture.policies);
  add_blocks(listing, "link", picture.links);
  add_lines(listing, "address", picture.addresses);
  add_blocks(listing, "tc", must_in(netns, kTrafficControl));
  add_lines(listing, "iptables", must_in(netns, kNetfilter));
  add_lines(listing, "sysctl", must_in(netns, kSysctls));
  add_lines(listing, "file",
            sh("find " + agent.bpf_root() + " " + agent.state_dir() + " 2>/dev/null").output);
  return listing;
}

std::vector<std::string> missing(const Listing& these, const Listing& those) {
  std::vector<std::string> lacking;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(lacking));
  return lacking;
}

}  // namespace pellicle::lab
