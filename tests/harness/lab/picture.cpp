#include "tests/harness/lab/picture.h"

#include <algorithm>
#include <regex>
#include <sstream>
#include <vector>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

namespace {

std::string without(const std::string& text, const std::regex& what, const char* instead = "") {
  return std::regex_replace(text, what, instead);
}

std::string stable_states(const std::string& netns) {
  static const std::regex of_traffic(
      R"(\tanti-replay context:.*\n|\tanti-replay esn .*\n|\tlastused .*\n)");
  return sorted_blocks(without(redacted(must_in(netns, "ip xfrm state")), of_traffic));
}

std::string stable_links(const std::string& netns) {
  static const std::regex index(R"((^|\n)\d+: )");
  static const std::regex peer_index(R"(@if\d+)");
  static const std::regex mac(R"(([0-9a-f]{2}:){5}[0-9a-f]{2})");
  static const std::regex netnsid(R"( link-netns(id)? \S+)");
  std::string text = without(must_in(netns, "ip -d link"), index, "$1");
  text = without(text, peer_index);
  text = without(text, mac, "MAC");
  return sorted_blocks(without(text, netnsid));
}

std::string stable_addresses(const std::string& netns) {
  static const std::regex index(R"((^|\n)\d+: )");
  static const std::regex rest(R"(\\\s+valid_lft.*)");
  return without(without(must_in(netns, "ip -4 -o addr"), index, "$1"), rest);
}

}  // namespace

std::string redacted(const std::string& text) {
  static const std::regex key(R"(0x[0-9a-fA-F]{16,})");
  return std::regex_replace(text, key, "<key>");
}

std::string sorted_blocks(const std::string& text) {
  std::vector<std::string> blocks;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool begins = line.empty() || (line[0] != ' ' && line[0] != '\t');
    if (begins || blocks.empty()) blocks.emplace_back();
    blocks.back() += line + "\n";
  }
  std::sort(blocks.begin(), blocks.end());
  std::string sorted;
  for (const std::string& block : blocks) sorted += block;
  return sorted;
}

KernelPicture kernel_picture(const std::string& netns) {
  return {
      .rules = must_in(netns, "ip rule"),
      .main_routes = must_in(netns, "ip route show table main"),
      .encrypt_routes = sh_in(netns, "ip route show table 200 2>/dev/null").output,
      .states = stable_states(netns),
      .policies = sorted_blocks(must_in(netns, "ip xfrm policy")),
      .links = stable_links(netns),
      .addresses = stable_addresses(netns),
  };
}

std::string KernelPicture::text() const {
  return "# ip rule\n" + rules + "# ip route show table main\n" + main_routes +
         "# ip route show table 200\n" + encrypt_routes + "# ip xfrm state\n" + states +
         "# ip xfrm policy\n" + policies + "# ip -d link\n" + links + "# ip -4 -o addr\n" +
         addresses;
}

}  // namespace pellicle::lab
