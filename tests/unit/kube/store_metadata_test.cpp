// Nodes of which the Store sees metadata, and what it learns by reading one in full.
#include "agent/kube/publish.h"
#include "agent/kube/store.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using Names = std::map<std::string, Store::Unclear>;

namespace {

std::string metadata(const std::string& name, const std::string& version,
                     const std::string& annotations) {
  return R"("metadata":{"name":")" + name + R"(","resourceVersion":")" + version +
         R"(","annotations":{)" + annotations + "}}";
}

ApiObject partial(const std::string& name, const std::string& version,
                  const std::string& annotations) {
  return {.name = name,
          .text = "{" + metadata(name, version, annotations) + "}",
          .metadata_only = true};
}

// As an agent of this version makes it.
ApiObject telling(const std::string& name, const std::string& version, const std::string& cidr,
                  const std::string& ips) {
  return partial(name, version,
                 R"("network.cilium.io/ipv4-pod-cidr":")" + cidr +
                     R"(","pellicle.io/internal-ips":")" + ips + "\"");
}

// As an agent of the last version makes it.
ApiObject lacking(const std::string& name, const std::string& version) {
  return partial(name, version, R"("network.cilium.io/encryption-key":"3")");
}

ApiObject in_full(const std::string& name, const std::string& version, const std::string& cidr,
                  const std::string& ip, const std::string& ready = "True") {
  return {.name = name,
          .text = "{" + metadata(name, version, "") + R"(,"spec":{"podCIDRs":[")" + cidr +
                  R"("]},"status":{"addresses":[{"type":"InternalIP","address":")" + ip +
                  R"("}],"conditions":[{"type":"Ready","status":")" + ready + R"("}]}})"};
}

Store with_secret(const std::string& own = "") {
  Store store(own);
  store.secret_listed({});
  return store;
}

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

}  // namespace

TEST_CASE("metadata with the annotations of this version say everything") {
  auto store = with_secret();
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2 172.18.0.3 fd00::2")});
  CHECK(store.unclear().empty());
  const auto node = store.snapshot()->nodes.at("a");
  CHECK(node.pod_cidrs == std::vector{*Cidr::parse("10.0.1.0/24")});
  CHECK(node.internal_ipv4 == ip("172.18.0.2"));
  CHECK(node.internal_ipv6 == ip("fd00::2"));
  CHECK_FALSE(
      store.node_changed(telling("a", "2", "10.0.1.0/24", "172.18.0.2 172.18.0.3 fd00::2"), false));
}

TEST_CASE("of several published InternalIPs this node chooses by its own setting") {
  Store store("", WeakAlgorithms::refused, {*Cidr::parse("192.168.0.0/16")});
  store.secret_listed({});
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2 192.168.7.2")});
  CHECK(store.snapshot()->nodes.at("a").internal_ipv4 == ip("192.168.7.2"));
}

TEST_CASE("a published InternalIP that is none is reported, and the last good one stays") {
  auto store = with_secret();
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2")});
  store.node_changed(telling("a", "2", "10.0.1.0/24", "172.18.0"), false);
  const auto all = *store.snapshot();
  CHECK(all.nodes.at("a").internal_ipv4 == ip("172.18.0.2"));
  REQUIRE(all.problems.size() == 2);  // the Secret is missing
  CHECK(all.problems[0].to_string() ==
        "Node a metadata.annotations[pellicle.io/internal-ips]: expected an IP address; the last "
        "good value stays in use, if there was one");
}

TEST_CASE("nothing is concluded until each Node of the first LIST is understood") {
  auto store = with_secret();
  store.nodes_listed(
      {telling("a", "1", "10.0.1.0/24", "172.18.0.2"), lacking("b", "2"), lacking("c", "3")});
  CHECK(store.unclear() == Names{{"b", {"2"}}, {"c", {"3"}}});
  CHECK_FALSE(store.snapshot());
  CHECK(store.node_read("b", in_full("b", "2", "10.0.2.0/24", "172.18.0.3")));
  CHECK_FALSE(store.snapshot());
  CHECK(store.node_read("c", std::nullopt));  // deleted meanwhile: the watch will say so
  REQUIRE(store.snapshot());
  const auto node = store.snapshot()->nodes.at("b");
  CHECK(node.internal_ipv4 == ip("172.18.0.3"));
  CHECK(node.pod_cidrs == std::vector{*Cidr::parse("10.0.2.0/24")});
  CHECK(node.key_id == 3);
  CHECK_FALSE(store.snapshot()->nodes.at("c").internal_ipv4);
}

TEST_CASE("a Node of the last version that comes later is left out until it is read") {
  auto store = with_secret();
  store.nodes_listed({});
  CHECK_FALSE(store.node_changed(lacking("b", "5"), false));
  CHECK(store.unclear() == Names{{"b", {"5"}}});
  CHECK(store.snapshot()->nodes.empty());
  CHECK_FALSE(store.node("b"));
  CHECK(store.node_read("b", in_full("b", "5", "10.0.2.0/24", "172.18.0.3")));
  CHECK(store.node("b")->internal_ipv4 == ip("172.18.0.3"));
  // Read again with the same content: nothing new. With another address: new.
  CHECK_FALSE(store.node_changed(lacking("b", "6"), false));
  CHECK(store.unclear() == Names{{"b", {"6"}}});
  CHECK_FALSE(store.node_read("b", in_full("b", "6", "10.0.2.0/24", "172.18.0.3")));
  CHECK(store.node_read("b", in_full("b", "7", "10.0.2.0/24", "172.18.0.4")));
  CHECK(store.node("b")->internal_ipv4 == ip("172.18.0.4"));
  store.node_changed(lacking("b", "8"), true);
  CHECK(store.unclear().empty());
}

TEST_CASE("an upgrade of a Node's agent ends the reading, and a downgrade keeps the addresses") {
  auto store = with_secret();
  store.nodes_listed({lacking("b", "1")});
  store.node_read("b", in_full("b", "1", "10.0.2.0/24", "172.18.0.3"));
  store.node_changed(telling("b", "2", "10.0.2.0/24", "172.18.0.3"), false);
  CHECK(store.unclear().empty());
  store.nodes_listed({telling("b", "3", "10.0.2.0/24", "172.18.0.8")});
  CHECK(store.node("b")->internal_ipv4 == ip("172.18.0.8"));

  auto other = with_secret();
  other.nodes_listed({telling("b", "2", "10.0.2.0/24", "172.18.0.3")});
  other.node_changed(lacking("b", "3"), false);
  CHECK(other.unclear() == Names{{"b", {"3"}}});
  CHECK(other.node("b")->internal_ipv4 == ip("172.18.0.3"));
}

TEST_CASE("what only a Node in full can have wrong is reported while its metadata lack it") {
  auto store = with_secret();
  store.nodes_listed({lacking("b", "1")});
  store.node_read("b", in_full("b", "1", "10.0.2.1/24", "172.18.0.3"));
  REQUIRE(store.snapshot()->problems.size() == 2);
  CHECK(store.snapshot()->problems[0].field == "spec.podCIDRs[0]");
  store.node_changed(telling("b", "2", "10.0.2.0/24", "172.18.0.3"), false);
  CHECK(store.snapshot()->problems.size() == 1);
}

TEST_CASE("of Nodes with the same claims it is read which are silent, also before the first pass") {
  auto store = with_secret();
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2"),
                      telling("b", "2", "10.0.1.0/24", "172.18.0.3"),
                      telling("c", "3", "10.0.3.0/24", "172.18.0.4")});
  CHECK(store.unclear() == Names{{"a", {"", true}}, {"b", {"", true}}});
  CHECK_FALSE(store.snapshot());
  store.node_read("a", in_full("a", "1", "10.0.1.0/24", "172.18.0.2", "Unknown"));
  store.node_read("b", in_full("b", "2", "10.0.1.0/24", "172.18.0.3"));
  REQUIRE(store.snapshot());
  CHECK(store.node("a")->silent);
  CHECK_FALSE(store.node("b")->silent);
  // It speaks again: the version that the watch brings makes it be read.
  store.node_changed(telling("a", "9", "10.0.1.0/24", "172.18.0.2"), false);
  CHECK(store.unclear().at("a") == Store::Unclear{"9", true});
  CHECK(store.node_read("a", in_full("a", "9", "10.0.1.0/24", "172.18.0.2")));
  CHECK_FALSE(store.node("a")->silent);
  // The quarrel is over.
  store.node_changed(telling("b", "10", "10.0.7.0/24", "172.18.0.3"), false);
  store.look_for_rivals();
  CHECK(store.unclear().empty());
}

TEST_CASE("rivals that the watch brings are found when a pass says so") {
  auto store = with_secret();
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2")});
  store.node_changed(telling("b", "2", "10.0.1.0/24", "172.18.0.3"), false);
  CHECK(store.unclear().empty());
  store.look_for_rivals();
  CHECK(store.unclear() == Names{{"a", {"", true}}, {"b", {"", true}}});
  CHECK(store.snapshot());  // what was known stays
}

TEST_CASE("this node's Node comes in full, by a watch of its own") {
  auto store = with_secret("w");
  store.own_node_comes_apart();
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2"), lacking("w", "2")});
  CHECK(store.unclear().empty());
  CHECK_FALSE(store.snapshot());
  store.own_node_listed({in_full("w", "2", "10.0.9.0/24", "172.18.0.9")});
  REQUIRE(store.snapshot());
  CHECK(store.node("w")->internal_ipv4 == ip("172.18.0.9"));
  CHECK(store.internal_ips() == std::vector<std::string>{"172.18.0.9"});
  // The other watch says nothing about it, neither what it is nor that it is gone.
  CHECK_FALSE(store.node_changed(lacking("w", "3"), false));
  CHECK_FALSE(store.node_changed(lacking("w", "3"), true));
  store.nodes_listed({telling("a", "1", "10.0.1.0/24", "172.18.0.2")});
  CHECK(store.node("w")->internal_ipv4 == ip("172.18.0.9"));
  CHECK(store.own_node_changed(in_full("w", "4", "10.0.9.0/24", "172.18.0.8"), false));
  CHECK(store.own_node_changed({.name = "w", .text = "{}"}, true));
  CHECK_FALSE(store.node("w"));
  store.own_node_listed({});
  CHECK(store.snapshot());
}

TEST_CASE("a node publishes what its spec and status say, and withdraws what they say no more") {
  const Node self{.name = "w",
                  .pod_cidrs = {*Cidr::parse("10.0.9.0/24"), *Cidr::parse("fd00:9::/64")}};
  const std::string ips = "pellicle.io/internal-ips";
  CHECK(published_addresses(self, {"172.18.0.9", "fd00::9"}, {}) ==
        Annotations{{"network.cilium.io/ipv4-pod-cidr", "10.0.9.0/24"},
                    {"network.cilium.io/ipv6-pod-cidr", "fd00:9::/64"},
                    {ips, "172.18.0.9 fd00::9"}});
  CHECK(published_addresses(Node{.name = "w"}, {}, {}).empty());
  CHECK(published_addresses(Node{.name = "w"}, {}, {{ips, "172.18.0.9"}}) ==
        Annotations{{ips, ""}});
}

TEST_CASE("a withdrawn address makes a Node be read") {
  auto store = with_secret();
  store.nodes_listed({telling("b", "1", "10.0.2.0/24", "172.18.0.3")});
  store.node_changed(telling("b", "2", "10.0.2.0/24", ""), false);
  CHECK(store.unclear() == Names{{"b", {"2"}}});
}

}  // namespace this_file
