// A Node's addresses of both families.
#include "agent/kube/decode.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

DecodedNode decode(const std::string& annotations, const std::string& addresses) {
  return decode_node({.name = "worker",
                      .text = R"({"metadata":{"name":"worker","annotations":)" + annotations +
                              R"(},"status":{"addresses":)" + addresses + "}}"});
}

}  // namespace

TEST_CASE("each family has its first InternalIP and its own annotation") {
  const auto decoded = decode(
      R"({"network.cilium.io/ipv4-cilium-host":"10.0.1.138",)"
      R"("network.cilium.io/ipv6-cilium-host":"fd00:1::8a"})",
      R"([{"type":"InternalIP","address":"fd00:172::3"},{"type":"InternalIP","address":"172.18.0.3"},)"
      R"({"type":"InternalIP","address":"fd00:172::4"},{"type":"ExternalIP","address":"fd00::9"}])");
  CHECK(decoded.problems.empty());
  CHECK(decoded.node.internal_ipv4 == IpAddress::parse("172.18.0.3"));
  CHECK(decoded.node.internal_ipv6 == IpAddress::parse("fd00:172::3"));
  CHECK(decoded.node.router_ipv4 == IpAddress::parse("10.0.1.138"));
  CHECK(decoded.node.router_ipv6 == IpAddress::parse("fd00:1::8a"));
}

TEST_CASE("an IPv6 annotation that is none is reported, and the last good one kept") {
  const std::string value = GENERATE("10.0.1.138", "::", "fd00:1::8a/128", "no");
  const auto decoded = decode(R"({"network.cilium.io/ipv6-cilium-host":")" + value + R"("})", "[]");
  REQUIRE(decoded.problems.size() == 1);
  CHECK(decoded.problems[0].field == "metadata.annotations[network.cilium.io/ipv6-cilium-host]");
  CHECK(decoded.problems[0].sentence.find("the IPv6 address of cilium_host") != std::string::npos);
  Node last;
  last.router_ipv6 = IpAddress::parse("fd00:1::8a");
  CHECK(merged(last, decoded).router_ipv6 == last.router_ipv6);
}

TEST_CASE("an InternalIP that is no address leaves both families what they were") {
  const auto decoded = decode("{}", R"([{"type":"InternalIP","address":"nonsense"}])");
  CHECK(decoded.problems.size() == 1);
  Node last;
  last.internal_ipv4 = IpAddress::parse("172.18.0.3");
  last.internal_ipv6 = IpAddress::parse("fd00:172::3");
  CHECK(merged(last, decoded).internal_ipv4 == last.internal_ipv4);
  CHECK(merged(last, decoded).internal_ipv6 == last.internal_ipv6);
}

}  // namespace this_file
