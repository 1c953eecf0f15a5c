// Pods made and deleted by Debian's containerd and runc, 1.6 and 2, through the plugin that the
// agent installs.
#include <cstdio>
#include <filesystem>
#include <regex>

#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/containerd.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/skipped.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Json = nlohmann::ordered_json;

// `ip a l` and `ip r s` of the seed's pod "net". What differs from pod to pod has names here;
// blanks at the end of a line are left out.
constexpr const char* kPodAddresses =
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
    "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n"
    "    inet 127.0.0.1/8 scope host lo\n"
    "       valid_lft forever preferred_lft forever\n"
    "    inet6 ::1/128 scope host\n"
    "       valid_lft forever preferred_lft forever\n"
    "N: eth0@ifM: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default "
    "qlen 1000\n"
    "    link/ether MAC brd ff:ff:ff:ff:ff:ff link-netnsid 0\n"
    "    inet ADDRESS/32 scope global eth0\n"
    "       valid_lft forever preferred_lft forever\n"
    "    inet6 LINKLOCAL/64 scope link\n"
    "       valid_lft forever preferred_lft forever\n";
constexpr const char* kPodRoutes =
    "default via 10.0.1.138 dev eth0 mtu 1423\n"
    "10.0.1.138 dev eth0 scope link\n";

const std::vector<std::string> kWebServer{"busybox", "httpd", "-f", "-p", "80", "-h", "/www"};

std::string replaced(const std::string& text, const std::string& pattern, const std::string& with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

// The address that the kernel makes of a MAC: fe80::6c7b:6aff:fe37:31ab of 6e:7b:6a:37:31:ab.
std::string link_local(const std::string& mac) {
  unsigned b[6] = {};
  REQUIRE(std::sscanf(mac.c_str(), "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) ==
          6);
  char text[64];
  std::snprintf(text, sizeof text, "fe80::%x:%x:%x:%x", (b[0] ^ 2) << 8 | b[1], b[2] << 8 | 0xff,
                0xfe00 | b[3], b[4] << 8 | b[5]);
  return IpAddress::parse(text).value().to_string();
}

// One of the agent's pods.
struct KnownPod {
  std::string address;
  std::string mac;
  std::string device;
};

KnownPod known_pod(Lab& lab, const std::string& node, const std::string& container) {
  for (const Json& pod : lab.agent(node).ask("pod-list")) {
    if (pod.at("id") != container + ":eth0") continue;
    return {.address = pod.at("addresses").at(0).at("address"),
            .mac = pod.at("mac"),
            .device = pod.at("device")};
  }
  throw LabError("the agent of " + node + " has no pod " + container);
}

const ContainerdRelease kInstalled;
const ContainerdRelease kNewer{.folder = PELLICLE_CONTAINERD_2, .config_version = 3};

// Debian sid changes every day, and the rest of the tests does not depend on it.
bool is_missing(const ContainerdRelease& release) {
  if (std::filesystem::exists(release.folder + "/containerd")) return false;
  skipped("containerd 2 of Debian sid could not be fetched when the tests were built");
  return true;
}

// The seed's nodes, with a chain of plugins on two of them.
struct Cluster {
  ContainerdRelease release;
  Lab lab{{.agent_config = "pod-mtu = 1423\n"}};

  explicit Cluster(ContainerdRelease used) : release(std::move(used)) {
    for (const char* node : {"worker", "worker2"}) {
      install_plugins(lab.agent(node).cni_bin_dir(), {"portmap", "bandwidth"});
    }
    lab.start_agents();
  }

  // containerd of a node, once its agent has written what it is to find.
  Containerd containerd(const std::string& node) {
    const NodeAgent& agent = lab.agent(node);
    conflist_in(agent.cni_conf_dir());
    return Containerd(node, agent.cni_conf_dir(), agent.cni_bin_dir(), lab.log_dir(), release);
  }
};

constexpr const char* kNothing = "left on worker:\n";

// Everything that a pod of worker had outside of itself.
std::string left_on_worker(Lab& lab) {
  std::string left = kNothing;
  const Json pods = lab.agent("worker").ask("pod-list");
  if (!pods.empty()) left += "pods " + pods.dump() + "\n";
  const std::string devices =
      must_in("worker", "ip -brief link > /run/lab/links && sed -n /lxc/p /run/lab/links");
  if (!devices.empty()) left += "devices " + devices;
  const std::string entries = must(
      "bpftool --json map dump pinned /sys/fs/bpf/worker/pellicle_eps 2> /run/lab/bpftool-errors");
  if (!Json::parse(entries).empty()) left += "endpoints " + entries + "\n";
  return left;
}

void check_nothing_in_the_clear(Lab& lab) {
  for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

size_t esp_packets(Lab& lab) {
  size_t count = 0;
  for (const Packet& packet : lab.network().wire()) count += packet.protocol == 50 ? 1 : 0;
  return count;
}

void check_pods(const ContainerdRelease& release) {
  Cluster cluster(release);
  Lab& lab = cluster.lab;
  Containerd here = cluster.containerd("worker");
  Containerd there = cluster.containerd("worker2");
  here.run("net", kWebServer);
  there.run("cni-fcnh6", kWebServer);
  write_file(here.root("net") + "/www/index.html", "PodName: net\n");
  write_file(there.root("cni-fcnh6") + "/www/index.html", "PodName: cni-fcnh6\n");
  const KnownPod net = known_pod(lab, "worker", here.cni_id("net"));
  const KnownPod remote = known_pod(lab, "worker2", there.cni_id("cni-fcnh6"));
  CHECK(Cidr::parse("10.0.1.0/24")->contains(IpAddress::parse(net.address).value()));
  CHECK(Cidr::parse("10.0.0.0/24")->contains(IpAddress::parse(remote.address).value()));

  std::string wanted = replaced(kPodAddresses, "ADDRESS", net.address);
  wanted = replaced(wanted, "MAC", net.mac);
  wanted = replaced(wanted, "LINKLOCAL", link_local(net.mac));
  // The kernel takes a second to call a device UP and an IPv6 address no longer tentative.
  std::string shown;
  static_cast<void>(wait_until([&] {
    shown = replaced(here.exec("net", "ip a l").output, " +\n", "\n");
    shown = replaced(shown, "\n[0-9]+: eth0@if[0-9]+:", "\nN: eth0@ifM:");
    shown = replaced(shown, " proto kernel_l[lo]", "");  // printed from iproute2 6.7 on
    return shown == wanted;
  }));
  CHECK(shown == wanted);
  CHECK(replaced(here.exec("net", "ip r s").output, " +\n", "\n") == kPodRoutes);

  const Result ping = here.exec("net", "ping -c 2 -i 0.2 -W 2 " + remote.address);
  CAPTURE(ping.output);
  CHECK(ping.ok());
  CHECK(here.exec("net", "curl -sS -m 5 http://" + remote.address + "/").output ==
        "PodName: cni-fcnh6\n");
  CHECK(there.exec("cni-fcnh6", "curl -sS -m 5 http://" + net.address + "/").output ==
        "PodName: net\n");
  CHECK(esp_packets(lab) > 0);
  check_nothing_in_the_clear(lab);

  here.remove("net");
  CHECK(here.containers().empty());
  CHECK(left_on_worker(lab) == kNothing);
  CHECK(lab.agent("worker").ask("diff")["operations"].empty());
  CHECK_FALSE(there.exec("cni-fcnh6", "ping -c 1 -W 1 " + net.address).ok());

  // Its address is free: somebody else gets it for the asking.
  const NodeAgent& agent = lab.agent("worker");
  CniRuntime runtime("worker", agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir()));
  CniPod next{.id = "sandbox-2", .netns = make_netns("next")};
  next.wishes["ips"] = {net.address};
  const CniAnswer added = runtime.add(next);
  CAPTURE(added.text());
  CHECK(added.addresses() == std::vector<std::string>{net.address});
  CHECK(there.exec("cni-fcnh6", "ping -c 1 -W 2 " + net.address).ok());
  CHECK(runtime.remove(next).ok());
  CHECK(left_on_worker(lab) == kNothing);
  check_nothing_in_the_clear(lab);
}

void check_without_agent(const ContainerdRelease& release) {
  Cluster cluster(release);
  Lab& lab = cluster.lab;
  Containerd containerd = cluster.containerd("worker");
  containerd.run("first", {"sleep", "1000"});
  containerd.run("second", {"sleep", "1000"});
  const KnownPod second = known_pod(lab, "worker", containerd.cni_id("second"));
  CHECK_THAT(left_on_worker(lab), Contains(second.device));

  lab.agent("worker").stop();
  std::string refusal;
  try {
    containerd.run("third", {"sleep", "1000"});
  } catch (const LabError& error) {
    refusal = error.what();
  }
  CHECK_THAT(refusal, Contains("cannot run pod third"));
  CHECK_THAT(refusal, Contains("agent"));
  containerd.remove("first");
  CHECK(containerd.containers() == std::vector<std::string>{"second"});

  lab.start_agent("worker");
  CHECK(wait_until([&] { return lab.agent("worker").ask("pod-list").size() == 1; }));
  CHECK(known_pod(lab, "worker", containerd.cni_id("second")).address == second.address);
  CHECK(containerd.exec("second", "ping -c 1 -W 2 10.0.1.138").ok());
  containerd.run("third", {"sleep", "1000"});
  CHECK(known_pod(lab, "worker", containerd.cni_id("third")).address != second.address);
  containerd.remove("second");
  containerd.remove("third");
  CHECK(left_on_worker(lab) == kNothing);
  check_nothing_in_the_clear(lab);
}

}  // namespace

TEST_CASE(
    "containerd's pods show the seed's addresses and routes, talk in ESP, and leave nothing") {
  check_pods(kInstalled);
}

TEST_CASE(
    "containerd 2's pods show the seed's addresses and routes, talk in ESP, and leave nothing") {
  if (!is_missing(kNewer)) check_pods(kNewer);
}

TEST_CASE(
    "without an agent containerd makes no pod and deletes one, which the next agent completes") {
  check_without_agent(kInstalled);
}

TEST_CASE(
    "without an agent containerd 2 makes no pod and deletes one, which the next agent completes") {
  if (!is_missing(kNewer)) check_without_agent(kNewer);
}

// No other plugin is in the list, so its newest version is CNI 1.1.0, with STATUS. containerd 2
// calls it for each question of a kubelet; of GC it makes no use.
TEST_CASE("containerd 2 learns by STATUS that pods can be served, and when they no longer can") {
  if (is_missing(kNewer)) return;
  Lab lab({.agent_config = "cni-status-grace = 0\n"});
  lab.start_agents();
  const NodeAgent& agent = lab.agent("worker");
  conflist_in(agent.cni_conf_dir());
  ContainerdRelease release = kNewer;
  release.cri = true;
  const Containerd containerd("worker", agent.cni_conf_dir(), agent.cni_bin_dir(), lab.log_dir(),
                              release);
  CHECK(wait_until([&] { return containerd.network_obstacle().empty(); }));

  lab.agent("worker").stop();
  const std::string obstacle = containerd.network_obstacle();
  CHECK_THAT(obstacle, Contains("NetworkPluginNotReady"));
  CHECK_THAT(obstacle, Contains("agent"));

  lab.start_agent("worker");
  CHECK(containerd.network_obstacle().empty());
}

}  // namespace this_file
