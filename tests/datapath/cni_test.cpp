// The CNI verbs against a real agent: what a runtime may ask for, in every order.
#include <filesystem>
#include <set>
#include <thread>

#include "tests/datapath/cni_node.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Node = CniNode;
using Addresses = std::vector<std::string>;

NodeSpec small_node() {
  return {.name = "small",
          .address = *IpAddress::parse("172.18.0.9"),
          .pod_cidr = *Cidr::parse("10.0.9.0/29"),
          .router = *IpAddress::parse("10.0.9.6")};
}

}  // namespace

TEST_CASE("cni: addresses are counted, run out with a sentence, and come back last") {
  Node node(small_node());  // 6 usable: cilium_host has .6, .1 is kept for the health endpoint
  CHECK_THAT(node.agent.says(), Contains("IPAM: IPv4: 2/6 allocated from 10.0.9.0/29"));
  std::vector<CniPod> pods;
  Addresses given;
  for (const char* name : {"p1", "p2", "p3", "p4"}) {
    pods.push_back(Node::sandbox(name));
    given.push_back(node.add(pods.back()));
  }
  CHECK(given == Addresses{"10.0.9.2", "10.0.9.3", "10.0.9.4", "10.0.9.5"});
  CHECK_THAT(node.agent.says(), Contains("IPAM: IPv4: 6/6 allocated from 10.0.9.0/29"));

  const CniPod fifth = Node::sandbox("p5");
  node.check_refused(node.runtime.add(fifth), 101,
                     "no address of PodCIDR 10.0.9.0/29 is free: all 6 are given out or reserved");
  CHECK(node.given_out().size() == 4);
  node.remove(pods[1]);
  node.remove(pods[0]);
  node.remove(pods[3]);
  CHECK(node.add(fifth) == "10.0.9.3");  // freed first
  CHECK(node.add(pods[0]) == "10.0.9.2");
  CHECK(node.add(pods[3]) == "10.0.9.5");
}

TEST_CASE("cni: the commands of the plugin's README do what they are for") {
  Node node;
  // Where a node's agent is, when nothing else is said.
  must("mkdir -p /var/run && ln -sfn " + node.agent.state_dir() + " /var/run/pellicle");
  const std::string readme = file_text(PELLICLE_SOURCE_DIR "/tools/cni/README.md");
  const std::string begin = "```sh\n# needs a node with an agent\n";
  const size_t at = readme.find(begin);
  REQUIRE(at != std::string::npos);
  const size_t from = at + begin.size();
  write_file("/run/lab/readme.sh", readme.substr(from, readme.find("```", from) - from));
  const Result done = sh_in(node.name, "PATH=" + node.agent.cni_bin_dir() +
                                           ":$PATH bash -euo pipefail -x /run/lab/readme.sh");
  CAPTURE(done.output);
  CHECK(done.ok());
  for (const char* words : {R"("address":"10.0.1.)", "inet 10.0.1.", "supportedVersions"}) {
    CAPTURE(words);
    CHECK_THAT(done.output, Contains(words));
  }
  CHECK(node.nothing_left());
}

TEST_CASE("cni: ADD and DEL may be repeated, and come in any order") {
  Node node;
  const CniPod pod = Node::sandbox("net");
  node.remove(pod);  // before there is anything

  const CniAnswer first = node.runtime.add(pod);
  CAPTURE(first.text());
  REQUIRE(first.ok());
  const CniAnswer second = node.runtime.add(pod);
  CHECK(second.result == first.result);
  CHECK(node.given_out().size() == 1);
  CHECK(node.lab.ping("net", "10.0.1.138").ok());
  CHECK(node.agent.ctl("diff").ok());  // the pod was programmed whole, without a pass
  const std::string endpoints = node.agent.ctl("endpoint list").output;
  CHECK_THAT(endpoints, Contains("default/net  " + first.addresses().front() + "  lxc"));

  node.remove(pod);
  CHECK(node.nothing_left());
  CHECK_FALSE(sh_in("net", "ip link show dev eth0").ok());
  node.remove(pod);

  CniPod gone = Node::sandbox("gone");
  node.add(gone);
  remove_netns("gone");
  node.remove(gone);
  gone.netns = "";
  node.remove(gone);
  CHECK(node.nothing_left());
}

TEST_CASE("cni: an ADD that cannot be done says why and leaves nothing behind") {
  Node node;
  remove_netns("net");  // of the section before
  CniPod pod = Node::sandbox("net");
  SECTION("the namespace is gone") {
    remove_netns("net");
    node.check_refused(node.runtime.add(pod), 3, "/run/netns/net: No such file or directory");
  }
  SECTION("the namespace is a file of another kind") {
    pod.netns = "/etc/hostname";
    node.check_refused(node.runtime.add(pod), 100, "no network namespace");
  }
  SECTION("the pod has a device of that name already") {
    must_in("net", "ip link add eth0 type dummy");
    node.check_refused(node.runtime.add(pod), 100, "already has another device named eth0");
    CHECK(sh_in("net", "ip link show dev eth0").ok());
  }
  SECTION("an address that is asked for is not free") {
    for (const char* address : {"10.0.1.138", "10.0.1.0", "10.0.1.255", "10.0.2.7"}) {
      pod.wishes = {{"ips", {std::string(address) + "/24"}}};
      node.check_refused(node.runtime.add(pod), 7, "expected a free address of 10.0.1.0/24");
    }
    pod.wishes = {{"ips", {"10.0.1.77"}}};
    CHECK(node.add(pod) == "10.0.1.77");
    CniPod other = Node::sandbox("other");
    other.wishes = pod.wishes;
    node.check_refused(node.runtime.add(other), 7, "found 10.0.1.77");
    node.remove(pod);
  }
  CHECK(node.nothing_left());
}

TEST_CASE("cni: CHECK is silent while all is well and names what somebody broke") {
  Node node;
  const CniPod pod = Node::sandbox("net");
  const std::string address = node.add(pod);
  const std::string device = node.agent.ask("pod-list")[0]["device"];
  const CniAnswer well = node.runtime.check(pod);
  CAPTURE(well.text());
  CHECK(well.ok());
  CHECK(well.output.empty());

  const std::vector<std::array<std::string, 3>> damages = {
      {"net", "ip route del default", "default route via 10.0.1.138"},
      {"net", "ip neigh del 10.0.1.138 dev eth0", "neighbour entry of the gateway"},
      {"net", "ip addr del " + address + "/32 dev eth0", "address " + address},
      {"worker", "ip link set " + device + " down", device + " up"},
      {"worker", "ip link del " + device, "device " + device}};
  for (const auto& [netns, damage, missing] : damages) {
    CAPTURE(damage);
    must_in(netns, damage);
    node.check_refused(node.runtime.check(pod), 102, missing);
    CHECK(node.add(pod) == address);  // a repeated ADD mends it
    const CniAnswer mended = node.runtime.check(pod);
    CAPTURE(mended.text());
    CHECK(mended.ok());
  }
  CniRuntime remembers("worker", node.agent.cni_bin_dir(), conflist_in(node.agent.cni_conf_dir()));
  REQUIRE(remembers.add(pod).ok());
  node.remove(pod);
  node.check_refused(remembers.check(pod), 3, "no pod");
}

TEST_CASE("cni: what the kernel lost of a pod is named by CHECK, and put back by the agent") {
  Node node;
  const CniPod pod = Node::sandbox("net");
  node.add(pod);
  const std::string device = node.agent.ask("pod-list")[0]["device"];
  const std::string rp_filter = "/proc/sys/net/ipv4/conf/" + device + "/rp_filter";
  must_in("worker", "tc qdisc del dev " + device + " clsact; echo 1 > " + rp_filter);
  CHECK(wait_until([&] { return node.runtime.check(pod).ok(); }, 40s));
  CHECK(must_in("worker", "cat " + rp_filter) == "0\n");
  CHECK_THAT(must_in("worker", "tc filter show dev " + device + " ingress"),
             Contains("pell_lxc_in"));
}

TEST_CASE("cni: GC removes what is not in the list, of this network alone") {
  Node node;
  const std::vector<CniPod> pods{Node::sandbox("p1"), Node::sandbox("p2"), Node::sandbox("p3")};
  for (const auto& pod : pods) node.add(pod);
  node.lab.add_pod("worker", "not-by-cni", "10.0.1.52");
  const auto other_list = [&] {
    auto list = conflist_in(node.agent.cni_conf_dir());
    list["name"] = "another";
    return list;
  }();
  CniRuntime another("worker", node.agent.cni_bin_dir(), other_list);
  const CniPod foreign = Node::sandbox("p4");
  REQUIRE(another.add(foreign).ok());
  CHECK(node.given_out().size() == 5);

  auto list = conflist_in(node.agent.cni_conf_dir());
  list["cniVersion"] = "1.1.0";
  CniRuntime runtime("worker", node.agent.cni_bin_dir(), list);
  const auto collected = [&](const std::vector<CniPod>& valid) {
    const CniAnswer answer = runtime.collect(valid);
    CAPTURE(answer.text());
    CHECK(answer.ok());
    CHECK(answer.output.empty());
    return node.given_out().size();
  };
  CHECK(collected(pods) == 5);
  CHECK(collected({pods[1]}) == 3);
  CHECK(node.lab.ping("p2", "10.0.1.138").ok());
  CHECK_FALSE(sh_in("p1", "ip link show dev eth0").ok());
  CHECK(collected({}) == 2);
}

}  // namespace this_file
