#include "tools/operator/node_view.h"

#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"
#include "tests/unit/operator/views.h"

namespace this_file {

using namespace pellicle;
using nlohmann::json;

namespace {

NodeView seen(const char* text) {
  return node_view({.name = "worker", .text = text});
}

}  // namespace

TEST_CASE("a Node is read: spec before annotation, identity, addresses") {
  const auto node = seen(R"({
    "metadata": {"name": "worker", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2024",
                 "annotations": {"network.cilium.io/ipv4-pod-cidr": "10.9.0.0/24"}},
    "spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24", "fd00::/120"]},
    "status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.3"},
                             {"type": "InternalIP", "address": "fc00::3"}]}})");
  CHECK(node ==
        NodeView{.name = "worker",
                 .uid = "u",
                 .version = "7",
                 .created = "2024",
                 .in_spec = true,
                 .pod_cidrs = {cidr("10.0.1.0/24"), cidr("fd00::/120")},
                 .addresses = {*IpAddress::parse("172.18.0.3"), *IpAddress::parse("fc00::3")}});
  const auto old = seen(R"({"spec": {"podCIDR": "10.0.1.0/24"}})");
  CHECK(old.in_spec);
  CHECK(old.pod_cidrs == std::vector{cidr("10.0.1.0/24")});
  const auto annotated =
      seen(R"({"metadata": {"annotations": {"network.cilium.io/ipv4-pod-cidr": "10.9.0.0/24"}}})");
  CHECK_FALSE(annotated.in_spec);
  CHECK(annotated.pod_cidrs == std::vector{cidr("10.9.0.0/24")});
}

TEST_CASE("PodCIDRs that cannot be read are no empty ones") {
  CHECK(
      seen(R"({"spec": {"podCIDRs": ["10.0.1.7/24"]}})").unreadable ==
      "spec.podCIDRs[0]: expected a network such as 10.0.1.0/24, without host bits; no PodCIDR is "
      "allocated until it is");
  CHECK_THAT(
      seen(R"({"metadata": {"annotations": {"network.cilium.io/ipv4-pod-cidr": "x"}}})").unreadable,
      Catch::StartsWith("metadata.annotations[network.cilium.io/ipv4-pod-cidr]: expected"));
  for (const char* odd : {"", "5", "{", R"({"metadata": 1, "spec": 2})", R"({"spec": null})"}) {
    CHECK(seen(odd).pod_cidrs.empty());
  }
}

TEST_CASE("an assignment is one patch for the very Node that was seen") {
  auto node = bare("worker");
  node.version = "41";
  const auto request =
      assignment_request({.node = node, .pod_cidrs = {cidr("10.0.1.0/24"), cidr("fd00::/120")}},
                         std::chrono::milliseconds(2500));
  CHECK(request.method == "PATCH");
  CHECK(request.path == "/api/v1/nodes/worker");
  CHECK(request.query.front().second == "2500ms");
  CHECK(json::parse(request.body) == json::parse(R"({
    "metadata": {"uid": "uid-worker", "resourceVersion": "41",
                 "annotations": {"network.cilium.io/ipv4-pod-cidr": "10.0.1.0/24",
                                 "network.cilium.io/ipv6-pod-cidr": "fd00::/120"}},
    "spec": {"podCIDR": "10.0.1.0/24", "podCIDRs": ["10.0.1.0/24", "fd00::/120"]}})"));
}

}  // namespace this_file
