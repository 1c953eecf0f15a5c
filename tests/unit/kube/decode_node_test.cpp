#include "agent/kube/decode.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

DecodedNode decode(const std::string& annotations, const std::string& spec,
                   const std::string& status = "{}", const std::vector<Cidr>& preferred = {}) {
  return decode_node({.name = "worker",
                      .text = R"({"metadata":{"name":"worker","creationTimestamp":)"
                              R"("2026-11-23T01:37:28Z","annotations":)" +
                              annotations + R"(},"spec":)" + spec + R"(,"status":)" + status + "}"},
                     preferred);
}

}  // namespace

TEST_CASE("a Node as a real apiserver watches it") {
  // From Kubernetes 1.36, shortened.
  const auto frame = decode_frame(
      R"({"type":"MODIFIED","object":{"kind":"Node","apiVersion":"v1","metadata":{"name":"worker",)"
      R"("uid":"e03a7340-6848-4984-8a7e-7f684b5106c7","resourceVersion":"221",)"
      R"("creationTimestamp":"2026-11-23T01:37:28Z","labels":{"kubernetes.io/hostname":"worker"},)"
      R"("annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"a\":{}}\n",)"
      R"("network.cilium.io/encryption-key":"3","network.cilium.io/ipv4-cilium-host":"10.0.1.138"},)"
      R"("managedFields":[{"manager":"curl","fieldsV1":{"f:metadata":{}}}]},)"
      R"("spec":{"podCIDR":"10.0.1.0/24","podCIDRs":["10.0.1.0/24"]},"status":{"addresses":)"
      R"([{"type":"InternalIP","address":"172.18.0.3"}],"nodeInfo":{"machineID":""}}}})");
  REQUIRE(frame);
  const auto& change = std::get<ObjectFrame>(*frame);
  CHECK(change.resource_version == "221");
  CHECK_FALSE(change.deleted);
  CHECK(change.object.text.find("managedFields") == std::string::npos);
  CHECK(change.object.text.find("last-applied") == std::string::npos);

  const auto decoded = decode_node(change.object);
  CHECK(decoded.problems.empty());
  CHECK(decoded.node == Node{.name = "worker",
                             .created = "2026-11-23T01:37:28Z",
                             .pod_cidrs = {*Cidr::parse("10.0.1.0/24")},
                             .internal_ipv4 = IpAddress::parse("172.18.0.3"),
                             .router_ipv4 = IpAddress::parse("10.0.1.138"),
                             .key_id = uint8_t{3}});
  CHECK(decoded.annotations == Annotations{{"network.cilium.io/encryption-key", "3"},
                                           {"network.cilium.io/ipv4-cilium-host", "10.0.1.138"}});
}

TEST_CASE("a Node accepts host encryption when its agent says so, in that word") {
  const auto accepts = [](const std::string& annotations) {
    return decode(annotations, "{}").node.accepts_host_encryption;
  };
  CHECK(accepts(R"({"pellicle.io/host-encryption":"accepted"})"));
  CHECK_FALSE(accepts(R"({"pellicle.io/host-encryption":"true"})"));
  CHECK_FALSE(accepts(R"({"pellicle.io/host-encryption":1})"));
  CHECK_FALSE(accepts("{}"));
}

TEST_CASE("a Node says what it encrypts, in words that any other value is not taken for") {
  const auto encrypts = [](const std::string& annotations) {
    const auto node = decode(annotations, "{}").node;
    return std::pair(node.encrypts_pods, node.encrypts_nodes);
  };
  CHECK(encrypts(R"({"pellicle.io/encrypts":"pods"})") == std::pair(true, false));
  CHECK(encrypts(R"({"pellicle.io/encrypts":"pods nodes"})") == std::pair(true, true));
  for (const char* other : {R"("nodes")", R"("true")", "1", "null", R"("pods,nodes")"}) {
    CAPTURE(other);
    CHECK(encrypts(std::string(R"({"pellicle.io/encrypts":)") + other + "}") ==
          std::pair(false, false));
  }
  CHECK(encrypts("{}") == std::pair(false, false));
}

TEST_CASE("PodCIDRs come from podCIDRs, else podCIDR, else the annotations") {
  const auto cidrs = [](const DecodedNode& decoded) {
    CHECK(decoded.problems.empty());
    std::string all;
    for (const auto& cidr : decoded.node.pod_cidrs) all += cidr.to_string() + " ";
    return all;
  };
  const std::string annotated =
      R"({"network.cilium.io/ipv4-pod-cidr":"10.9.0.0/24","network.cilium.io/ipv6-pod-cidr":"fd00:9::/64"})";
  CHECK(cidrs(decode(annotated,
                     R"({"podCIDR":"10.0.1.0/24","podCIDRs":["10.0.2.0/24","fd00::/64"]})")) ==
        "10.0.2.0/24 fd00::/64 ");
  CHECK(cidrs(decode(annotated, R"({"podCIDR":"10.0.1.0/24"})")) == "10.0.1.0/24 ");
  CHECK(cidrs(decode(annotated, R"({"podCIDR":"","podCIDRs":[]})")) == "10.9.0.0/24 fd00:9::/64 ");
  CHECK(cidrs(decode(R"({"io.cilium.network.ipv4-pod-cidr":"10.8.0.0/24"})", "{}")) ==
        "10.8.0.0/24 ");
  CHECK(cidrs(decode(R"({"io.cilium.network.ipv4-pod-cidr":"10.8.0.0/24",)"
                     R"("network.cilium.io/ipv4-pod-cidr":"10.7.0.0/24"})",
                     "{}")) == "10.7.0.0/24 ");
  CHECK(cidrs(decode("null", "{}")).empty());
}

TEST_CASE("the first IPv4 InternalIP is taken") {
  const auto decoded = decode("{}", "{}",
                              R"({"addresses":[{"type":"Hostname","address":"worker"},)"
                              R"({"type":"ExternalIP","address":"8.8.8.8"},)"
                              R"({"type":"InternalIP","address":"fd00::3"},)"
                              R"({"type":"InternalIP","address":"172.18.0.3"},)"
                              R"({"type":"InternalIP","address":"172.18.0.4"}]})");
  CHECK(decoded.problems.empty());
  CHECK(decoded.node.internal_ipv4 == IpAddress::parse("172.18.0.3"));
}

TEST_CASE("of several InternalIPs the one in the first network that has any is taken") {
  const auto taken = [](std::initializer_list<const char*> preferred) {
    std::vector<Cidr> networks;
    for (const char* text : preferred) networks.push_back(Cidr::parse(text).value());
    const auto node = decode("{}", "{}",
                             R"({"addresses":[{"type":"InternalIP","address":"192.168.7.3"},)"
                             R"({"type":"InternalIP","address":"fd00::3"},)"
                             R"({"type":"InternalIP","address":"172.18.0.3"},)"
                             R"({"type":"ExternalIP","address":"10.9.0.3"},)"
                             R"({"type":"InternalIP","address":"fd01::3"}]})",
                             networks)
                          .node;
    return node.internal_ipv4.value().to_string() + " " + node.internal_ipv6.value().to_string();
  };
  CHECK(taken({}) == "192.168.7.3 fd00::3");
  CHECK(taken({"172.18.0.0/16"}) == "172.18.0.3 fd00::3");
  CHECK(taken({"172.18.0.0/16", "192.168.0.0/16", "fd01::/64"}) == "172.18.0.3 fd01::3");
  CHECK(taken({"10.9.0.0/16", "0.0.0.0/0"}) == "192.168.7.3 fd00::3");
}

TEST_CASE("each malformed field of a Node is named, and keeps its last good value") {
  const auto last_good = decode(R"({"network.cilium.io/ipv4-cilium-host":"10.0.1.138",)"
                                R"("network.cilium.io/encryption-key":"3"})",
                                R"({"podCIDRs":["10.0.1.0/24"]})",
                                R"({"addresses":[{"type":"InternalIP","address":"172.18.0.3"}]})")
                             .node;
  struct Row {
    std::string annotations, spec, status, field;
    NodeField malformed;
  };
  const std::string host = "network.cilium.io/ipv4-cilium-host";
  const std::string key = "network.cilium.io/encryption-key";
  const auto note = [](const std::string& name, const std::string& value) {
    return "{\"" + name + "\":" + value + "}";
  };
  const auto field = [](const std::string& name) { return "metadata.annotations[" + name + "]"; };
  const std::vector<Row> rows = {
      {note(host, "\"10.0.1.300\""), "{}", "{}", field(host), NodeField::router_ipv4},
      {note(host, "\"fd00::1\""), "{}", "{}", field(host), NodeField::router_ipv4},
      {note(host, "\"0.0.0.0\""), "{}", "{}", field(host), NodeField::router_ipv4},
      {note(host, "{}"), "{}", "{}", field(host), NodeField::router_ipv4},
      {note("io.cilium.network.ipv4-cilium-host", "\"x\""), "{}", "{}",
       field("io.cilium.network.ipv4-cilium-host"), NodeField::router_ipv4},
      {note(key, "\"16\""), "{}", "{}", field(key), NodeField::key_id},
      {note(key, "\"3x\""), "{}", "{}", field(key), NodeField::key_id},
      {note(key, "\"-1\""), "{}", "{}", field(key), NodeField::key_id},
      {note(key, "3"), "{}", "{}", field(key), NodeField::key_id},
      {"{}", R"({"podCIDRs":["10.0.1.0/24","10.0.2.1/24"]})", "{}", "spec.podCIDRs[1]",
       NodeField::pod_cidrs},
      {"{}", R"({"podCIDRs":[7]})", "{}", "spec.podCIDRs[0]", NodeField::pod_cidrs},
      {"{}", R"({"podCIDRs":"10.0.1.0/24"})", "{}", "spec.podCIDRs", NodeField::pod_cidrs},
      {"{}", R"({"podCIDR":"10.0.1.0"})", "{}", "spec.podCIDR", NodeField::pod_cidrs},
      {note("network.cilium.io/ipv4-pod-cidr", "\"fd00::/64\""), "{}", "{}",
       field("network.cilium.io/ipv4-pod-cidr"), NodeField::pod_cidrs},
      {"{}", "{}", R"({"addresses":[{"type":"InternalIP","address":"worker"}]})",
       "status.addresses[0].address", NodeField::internal_ipv4},
      {"{}", "{}", R"({"addresses":[{"type":"InternalIP"}]})", "status.addresses[0].address",
       NodeField::internal_ipv4},
  };
  for (const auto& row : rows) {
    INFO(row.field << " in " << row.annotations << row.spec << row.status);
    const auto decoded = decode(row.annotations, row.spec, row.status);
    std::set<NodeField> malformed{row.malformed};
    // An invalid address has no family.
    if (row.malformed == NodeField::internal_ipv4) malformed.insert(NodeField::internal_ipv6);
    CHECK(decoded.malformed == malformed);
    REQUIRE(decoded.problems.size() == 1);
    CHECK(decoded.problems[0].object == "Node worker");
    CHECK(decoded.problems[0].field == row.field);
    const auto kept = merged(last_good, decoded);
    const auto is = [&](NodeField one) { return row.malformed == one; };
    CHECK(kept.pod_cidrs ==
          (is(NodeField::pod_cidrs) ? last_good.pod_cidrs : decoded.node.pod_cidrs));
    CHECK(kept.internal_ipv4 ==
          (is(NodeField::internal_ipv4) ? last_good.internal_ipv4 : decoded.node.internal_ipv4));
    CHECK(kept.router_ipv4 ==
          (is(NodeField::router_ipv4) ? last_good.router_ipv4 : decoded.node.router_ipv4));
    CHECK(kept.key_id == (is(NodeField::key_id) ? last_good.key_id : decoded.node.key_id));
  }
}

TEST_CASE("a field that was taken away is gone, not kept") {
  const auto before =
      decode(R"({"network.cilium.io/encryption-key":"3"})", R"({"podCIDRs":["10.0.1.0/24"]})");
  const auto after = merged(before.node, decode("{}", "{}"));
  CHECK_FALSE(after.key_id);
  CHECK(after.pod_cidrs.empty());
}

TEST_CASE("key id 0 means that a node does not encrypt") {
  const auto decoded = decode(R"({"network.cilium.io/encryption-key":"0"})", "{}");
  CHECK(decoded.problems.empty());
  CHECK_FALSE(decoded.node.key_id);
}

TEST_CASE("pages, bookmarks, errors and garbage are told apart") {
  const auto page =
      decode_page(R"({"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"217",)"
                  R"("continue":"eyJ2","remainingItemCount":1},"items":[{"metadata":{"name":"a"}},)"
                  R"({"metadata":{"name":"b","namespace":"n"}}]})");
  REQUIRE(page);
  CHECK(page->resource_version == "217");
  CHECK(page->continue_token == "eyJ2");
  REQUIRE(page->objects.size() == 2);
  CHECK(page->objects[1].name == "n/b");
  CHECK(decode_page(R"({"metadata":{"resourceVersion":"1"},"items":null})")->objects.empty());

  const auto bookmark = decode_frame(
      R"({"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"222"}}})");
  CHECK(std::get<BookmarkFrame>(*bookmark).resource_version == "222");
  const auto error = decode_frame(
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":)"
      R"("Failure","message":"too old resource version: 2 [200]","reason":"Expired","code":410}})");
  CHECK(std::get<ErrorFrame>(*error).code == 410);

  for (const char* garbage :
       {"", "[]", "7", "null", "{", R"({"items":[]})", R"({"metadata":{"resourceVersion":"1"}})",
        R"({"metadata":{"resourceVersion":"1"},"items":[{}]})",
        R"({"metadata":{"resourceVersion":"1"},"items":{}})", "<html>502</html>", "\xff\xfe"}) {
    INFO(garbage);
    CHECK_FALSE(decode_page(garbage));
  }
  for (const char* garbage :
       {"", "null", "7", "[]", R"({"type":"ADDED"})", R"({"type":"ADDED","object":[]})",
        R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"3"}}})",
        R"({"type":"RENAMED","object":{"metadata":{"name":"x","resourceVersion":"3"}}})",
        R"({"type":"BOOKMARK","object":{}})", R"({"type":"ADDED","object":{"metadata":{"na)"}) {
    INFO(garbage);
    CHECK_FALSE(decode_frame(garbage));
  }
}

TEST_CASE("an object that is nested without end is no object, and costs no stack") {
  constexpr size_t deep = 500'000;
  const auto nested = std::string(deep, '[') + std::string(deep, ']');
  const auto object = R"({"metadata":{"name":"x","resourceVersion":"3"},"spec":)" + nested + "}";
  CHECK_FALSE(decode_frame(R"({"type":"ADDED","object":)" + object + "}"));
  CHECK_FALSE(decode_page(R"({"metadata":{"resourceVersion":"1"},"items":[)" + object + "]}"));
  CHECK(status_message(R"({"kind":"Status","message":"m","details":)" + nested + "}").empty());
}

TEST_CASE("what a server says of an error moves no cursor") {
  const auto error =
      decode_frame(R"({"type":"ERROR","object":{"code":500,"message":"one\ntwo\u001b[2J\u007f"}})");
  CHECK(std::get<ErrorFrame>(*error).message == "one two [2J ");
  CHECK(status_message(R"({"kind":"Status","message":"one\ntwo\u007f"})") == "one two ");
}

}  // namespace this_file
