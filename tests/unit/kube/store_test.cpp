#include "agent/kube/store.h"
#include "agent/kube/publish.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

ApiObject node(const std::string& name, const std::string& cidr, const std::string& router) {
  return {.name = name,
          .text = R"({"metadata":{"name":")" + name +
                  R"(","annotations":{"network.cilium.io/ipv4-cilium-host":")" + router +
                  R"("}},"spec":{"podCIDRs":[")" + cidr + R"("]}})"};
}

// base64 of "3 rfc4106(gcm(aes)) 000102..13 128", of the same with id 4, and of another key.
const std::string kKey3 =
    "MyByZmM0MTA2KGdjbShhZXMpKSAwMDAxMDIwMzA0MDUwNjA3MDgwOTBhMGIwYzBkMGUwZjEwMTExMjEzIDEyOA==";
const std::string kKey4 =
    "NCByZmM0MTA2KGdjbShhZXMpKSAwMDAxMDIwMzA0MDUwNjA3MDgwOTBhMGIwYzBkMGUwZjEwMTExMjEzIDEyOA==";

ApiObject secret(const std::string& base64) {
  return {.name = "kube-system/cilium-ipsec-keys",
          .text = R"({"metadata":{"name":"cilium-ipsec-keys"},"data":{"keys":")" + base64 + "\"}}"};
}

}  // namespace

TEST_CASE("there is no snapshot until Nodes and Secret have both listed") {
  Store store;
  CHECK_FALSE(store.snapshot());
  store.nodes_listed({node("a", "10.0.1.0/24", "10.0.1.1")});
  CHECK_FALSE(store.snapshot());
  store.secret_listed({secret(kKey3)});
  REQUIRE(store.snapshot());
  CHECK(store.snapshot()->nodes.at("a").pod_cidrs[0] == *Cidr::parse("10.0.1.0/24"));
  CHECK(store.snapshot()->key->id == 3);
  CHECK(store.snapshot()->problems.empty());

  Store other;
  other.secret_listed({});
  CHECK_FALSE(other.snapshot());
  other.nodes_listed({});
  CHECK(other.snapshot());
}

TEST_CASE("Nodes come, change and go") {
  Store store("a");
  store.secret_listed({secret(kKey3)});
  store.nodes_listed({node("a", "10.0.1.0/24", "10.0.1.1"), node("b", "10.0.2.0/24", "10.0.2.1")});
  store.node_changed(node("c", "10.0.3.0/24", "10.0.3.1"), false);
  store.node_changed(node("a", "10.0.1.0/24", "10.0.1.9"), false);
  store.node_changed(node("b", "10.0.2.0/24", "10.0.2.1"), true);
  auto nodes = store.snapshot()->nodes;
  CHECK(nodes.size() == 2);
  CHECK(nodes.at("a").router_ipv4 == IpAddress::parse("10.0.1.9"));
  CHECK(nodes.contains("c"));
  CHECK(store.annotations().at("network.cilium.io/ipv4-cilium-host") == "10.0.1.9");
  // A new list replaces everything.
  store.nodes_listed({node("d", "10.0.4.0/24", "10.0.4.1")});
  CHECK(store.snapshot()->nodes.size() == 1);
  CHECK(store.annotations().empty());
}

TEST_CASE("what is nothing to us of a Node is no change of it") {
  Store store;
  store.secret_listed({secret(kKey3)});
  CHECK(store.node_changed(node("a", "10.0.1.0/24", "10.0.1.1"), false));
  CHECK_FALSE(store.node_changed(node("a", "10.0.1.0/24", "10.0.1.1"), false));
  auto heartbeat = node("a", "10.0.1.0/24", "10.0.1.1");
  heartbeat.text.insert(1, R"("status":{"conditions":[{"type":"Ready","status":"True"}]},)");
  CHECK_FALSE(store.node_changed(heartbeat, false));
  CHECK(store.node_changed(node("a", "10.0.1.0/24", "rubbish"), false));  // adds a problem
  CHECK_FALSE(store.node_changed(node("a", "10.0.1.0/24", "rubbish"), false));
  CHECK(store.node_changed(node("a", "10.0.1.0/24", "10.0.1.1"), false));
  CHECK(store.node("a")->router_ipv4 == IpAddress::parse("10.0.1.1"));
  CHECK_FALSE(store.node_changed(node("b", "", ""), true));
  CHECK(store.node_changed(node("a", "", ""), true));
  CHECK_FALSE(store.node("a"));
}

TEST_CASE("a malformed field keeps its last good value through changes and lists") {
  Store store;
  store.secret_listed({secret(kKey3)});
  store.nodes_listed({node("a", "10.0.1.0/24", "10.0.1.1")});
  store.node_changed(node("a", "10.0.1.0/24", "rubbish"), false);
  const auto broken = store.snapshot();
  CHECK(broken->nodes.at("a").router_ipv4 == IpAddress::parse("10.0.1.1"));
  REQUIRE(broken->problems.size() == 1);
  CHECK(broken->problems[0].object == "Node a");
  store.nodes_listed({node("a", "10.0.1.0/24", "rubbish still")});
  CHECK(store.snapshot() == broken);
  store.node_changed(node("a", "10.0.1.0/24", "10.0.1.2"), false);
  CHECK(store.snapshot()->problems.empty());
  CHECK(store.snapshot()->nodes.at("a").router_ipv4 == IpAddress::parse("10.0.1.2"));
  // A Node deleted and created again has no previous values.
  store.node_changed(node("a", "10.0.1.0/24", "10.0.1.2"), true);
  store.node_changed(node("a", "10.0.1.0/24", "rubbish"), false);
  CHECK_FALSE(store.snapshot()->nodes.at("a").router_ipv4);
}

TEST_CASE("the last good key survives a missing, broken or reused one") {
  Store store;
  store.nodes_listed({});
  store.secret_listed({});
  REQUIRE(store.snapshot()->problems.size() == 1);
  CHECK(store.snapshot()->problems[0].to_string().starts_with(
      "Secret kube-system/cilium-ipsec-keys: not found"));
  CHECK_FALSE(store.snapshot()->key);

  store.secret_changed(secret(kKey3), false);
  CHECK(store.snapshot()->problems.empty());
  const auto key = store.snapshot()->key;
  for (const auto& bad : {secret("***"), secret("")}) {
    store.secret_changed(bad, false);
    CHECK(store.snapshot()->key == key);
    CHECK(store.snapshot()->problems.size() == 1);
  }
  store.secret_changed(secret(kKey3), true);
  CHECK(store.snapshot()->key == key);
  CHECK(store.snapshot()->problems[0].sentence.find("last good key stays") != std::string::npos);
  store.secret_listed({});
  CHECK(store.snapshot()->key == key);
  store.secret_listed({secret(kKey4)});
  CHECK(store.snapshot()->key->id == 4);
  CHECK(store.snapshot()->problems.empty());
}

TEST_CASE("what a node publishes, and only what differs") {
  const auto wanted =
      published({{*Cidr::parse("10.0.1.0/24"), *IpAddress::parse("10.0.1.138")}}, 3);
  CHECK(wanted == Annotations{{"network.cilium.io/ipv4-cilium-host", "10.0.1.138"},
                              {"network.cilium.io/ipv4-pod-cidr", "10.0.1.0/24"},
                              {"network.cilium.io/encryption-key", "3"},
                              {"pellicle.io/encrypts", "pods"},
                              {"pellicle.io/host-encryption", "accepted"}});
  CHECK(published({}, {}).empty());
  CHECK(published({{*Cidr::parse("fd00:1::/64"), *IpAddress::parse("fd00:1::8a")}}, {}, true) ==
        Annotations{{"network.cilium.io/ipv6-cilium-host", "fd00:1::8a"},
                    {"network.cilium.io/ipv6-pod-cidr", "fd00:1::/64"},
                    {"pellicle.io/encrypts", "pods nodes"},
                    {"pellicle.io/host-encryption", "accepted"}});
  CHECK(difference(wanted, wanted).empty());
  auto present = wanted;
  present["network.cilium.io/encryption-key"] = "2";
  present["network.cilium.io/other"] = "x";
  CHECK(difference(wanted, present) == Annotations{{"network.cilium.io/encryption-key", "3"}});
  CHECK(patch_body(difference(wanted, present)) ==
        R"({"metadata":{"annotations":{"network.cilium.io/encryption-key":"3"}}})");
}

TEST_CASE("what a node publishes of its pair keys, and takes back when it is no more so") {
  const Sender sender{.boot_id = "11111111-1111-1111-1111-111111111111",
                      .epochs = {{.spi = 0x10a018a0}, {.spi = 0x15b73e20, .generation = 4711}}};
  const auto wanted = published(sender, {}, {});
  CHECK(wanted == Annotations{{"pellicle.io/boot-id", "11111111-1111-1111-1111-111111111111"},
                              {"pellicle.io/epochs", "0x10a018a0/0 0x15b73e20/4711"}});
  const auto receiving = published(sender, {0x10000010, 0x1abcdef0}, {});
  CHECK(receiving.at("pellicle.io/receives") == "0x10000010 0x1abcdef0");
  CHECK(published(sender, {}, receiving).at("pellicle.io/receives") == "");
  CHECK(published(Sender{}, {}, {}).empty());
}

TEST_CASE("a key whose id the kernel uses already waits for a word on whether it is the same") {
  for (const bool same : {true, false}) {
    Store store;
    store.nodes_listed({});
    store.resume_keys({}, {3});
    store.secret_listed({secret(kKey3)});
    CHECK(store.unconfirmed());
    CHECK_FALSE(store.snapshot()->key);
    CHECK(store.snapshot()->inherited_keys == std::set<uint8_t>{3});
    store.confirm_key(same);
    CHECK_FALSE(store.unconfirmed());
    CHECK(store.snapshot()->key.has_value() == same);
    CHECK(store.snapshot()->inherited_keys.empty() == same);
    CHECK(store.snapshot()->problems.size() == (same ? 0 : 1));
    store.secret_changed(secret(kKey4), false);
    CHECK(store.snapshot()->key->id == 4);
  }
}

}  // namespace this_file
