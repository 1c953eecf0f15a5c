#include "agent/model/rivals.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

Node node(const std::string& name, const char* cidr, const char* internal_ip) {
  Node made{.name = name};
  if (*cidr) made.pod_cidrs = {*Cidr::parse(cidr)};
  if (*internal_ip) {
    const auto ip = *IpAddress::parse(internal_ip);
    (ip.family() == Family::v4 ? made.internal_ipv4 : made.internal_ipv6) = ip;
  }
  return made;
}

std::set<std::string> rivals_of(const std::vector<Node>& nodes) {
  std::vector<const Node*> all;
  for (const auto& each : nodes) all.push_back(&each);
  return rivals(all);
}

}  // namespace

TEST_CASE("Nodes that claim different things are no rivals") {
  CHECK(rivals_of({}).empty());
  CHECK(rivals_of({node("a", "10.0.0.0/24", "172.18.0.2"), node("b", "10.0.1.0/24", "172.18.0.3"),
                   node("c", "fd00::/64", "fd01::1"), node("d", "", "")})
            .empty());
  CHECK(rivals_of({node("a", "10.0.0.0/24", "10.0.0.7")}).empty());  // with itself
}

TEST_CASE("each Node of an overlap is a rival") {
  using Names = std::set<std::string>;
  const auto other = node("z", "10.9.0.0/24", "172.18.0.9");
  CHECK(rivals_of({node("a", "10.0.1.0/24", ""), node("b", "10.0.1.0/24", ""), other}) ==
        Names{"a", "b"});
  CHECK(rivals_of({node("a", "", "172.18.0.2"), node("b", "", "172.18.0.2"), other}) ==
        Names{"a", "b"});
  CHECK(rivals_of({node("a", "fd00::/64", ""), node("b", "", "fd00::7"), other}) ==
        Names{"a", "b"});
  // Not only neighbours in the order of the networks.
  CHECK(rivals_of({node("wide", "10.0.0.0/16", ""), node("a", "10.0.1.0/24", ""),
                   node("b", "10.0.2.0/24", ""), other}) == Names{"a", "b", "wide"});
}

}  // namespace this_file
