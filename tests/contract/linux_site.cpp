#include "tests/contract/linux_site.h"

#include <linux/netlink.h>

#include <sstream>

#include "agent/kernel/links.h"
#include "agent/kernel/route_codec.h"
#include "agent/kernel/rule_codec.h"
#include "agent/kernel/xfrm_policy_codec.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "tests/contract/suite.h"
#include "tests/harness/catch.h"

namespace pellicle::contract {

namespace {

void request(NetlinkSocket& socket, NetlinkMessage message) {
  const auto outcome = socket.request(std::move(message));
  INFO(outcome.sentence);
  REQUIRE(outcome.ok());
}

void add_lines(const std::string& command_line, const std::string& but,
               std::set<std::string>& into) {
  std::istringstream text(shell(command_line));
  for (std::string line; std::getline(text, line);) {
    if (line.find(but) == std::string::npos) into.insert(line);
  }
}

}  // namespace

LinuxSite::LinuxSite() {
  shell("ip link add eth0 type dummy && ip link set eth0 up && ip addr add 172.18.0.3/16 dev eth0");
}

std::shared_ptr<LinuxKernel> LinuxSite::start_agent() const {
  return std::make_shared<LinuxKernel>(
      LinuxOptions{.state_dir = state_.path(), .bpf_root = pins_.path()});
}

void LinuxSite::plant(const KernelState& objects) const {
  NetlinkSocket route(NETLINK_ROUTE);
  NetlinkSocket xfrm(NETLINK_XFRM);
  const Devices devices(route);
  for (const auto& [key, value] : objects.states) request(xfrm, encode_new_state(key, value, 0));
  for (const auto& [key, value] : objects.policies) request(xfrm, encode_new_policy(key, value));
  for (const auto& [key, value] : objects.routes) {
    const Link* link = devices.find(value.dev);
    REQUIRE(link);
    request(route, encode_route(RouteVerb::add, key, value, link->index));
  }
  for (const auto& [key, value] : objects.rules) request(route, encode_new_rule(key));
}

std::set<std::string> LinuxSite::listing() const {
  std::set<std::string> lines;
  add_lines("ip -o xfrm state list nokeys", "no such text", lines);
  add_lines("ip -o xfrm policy", "no such text", lines);
  add_lines("ip -4 route show table all", "proto kernel", lines);
  add_lines("ip rule", "lookup local", lines);
  return lines;
}

Site make_site() {
  const auto site = std::make_shared<LinuxSite>();
  return {.start_agent = [site] { return site->start_agent(); },
          .plant = [site](const KernelState& objects) { site->plant(objects); },
          .listing = [site] { return site->listing(); }};
}

}  // namespace pellicle::contract
