// Host ports and limits: Debian's portmap and bandwidth plugins, called behind ours in one chain.
#include <algorithm>
#include <filesystem>

#include "tests/datapath/cni_node.h"
#include "tests/datapath/raw_frames.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Json = nlohmann::json;

constexpr const char* kRemotePod = "10.0.0.249";
constexpr const char* kRemotePage = "http://10.0.0.249/";
constexpr size_t kPage = 200'000;  // more than the bursts below

// The seed's nodes; worker's runtime has these plugins chained. A pod with a web server on worker2.
// control-plane runs no agent. An agent would publish its address again after the test removes it.
struct Cluster {
  // The native network, as the seed's installation gives it: what pods send to a node's address is
  // masqueraded, and the answer goes the way it came.
  Lab lab{{.key_line = api::kSeedKeyLine,
           .agent_config = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n"}};

  explicit Cluster(const std::vector<std::string>& chained) {
    install_plugins(lab.agent("worker").cni_bin_dir(), chained);
    lab.start_agent("worker");
    lab.start_agent("worker2");
    lab.add_pod("worker2", "cni-fcnh6", kRemotePod);
    lab.serve_http("cni-fcnh6");
  }

  CniRuntime runtime() {
    const NodeAgent& agent = lab.agent("worker");
    return CniRuntime("worker", agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir()));
  }

  // The agent's word for the only pod of worker.
  std::string lxc() { return lab.agent("worker").ask("pod-list").at(0).at("device"); }
};

// A page of this many bytes on port 80 of a pod, as long as this lives.
Process serve(Lab& lab, const std::string& pod, size_t bytes) {
  const std::string root = "/run/lab/www/" + pod;
  std::filesystem::create_directories(root);
  write_file(root + "/index.html", std::string(bytes, 'x'));
  Process server({"busybox", "httpd", "-f", "-p", "80", "-h", root},
                 lab.log_dir() + "/" + pod + "-httpd.log", pod);
  REQUIRE(wait_until([&] { return lab.http_get(pod, "http://127.0.0.1/").ok(); }));
  return server;
}

std::string page_of(const CniAnswer& added) {
  return "http://" + added.addresses().front() + "/";
}

void check_nothing_in_the_clear(Lab& lab) {
  for (const lab::Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

size_t bytes_from(Lab& lab, const std::string& netns, const std::string& url) {
  const Result page = lab.http_get(netns, url);
  CAPTURE(netns, url, page.output);
  CHECK(page.ok());
  return page.output.size();
}

size_t esp_packets(Lab& lab) {
  const auto wire = lab.network().wire();
  return static_cast<size_t>(std::count_if(
      wire.begin(), wire.end(), [](const lab::Packet& packet) { return packet.protocol == kEsp; }));
}

Json qdiscs(const std::string& device) {
  return Json::parse(must_in("worker", "tc -statistics -json qdisc show dev " + device));
}

// The one of this kind, with its counters; null when there is none.
Json qdisc(const std::string& device, const std::string& kind) {
  for (const Json& each : qdiscs(device)) {
    if (each.value("kind", "") == kind) return each;
  }
  return nullptr;
}

// What a shaper let through, and how often it had to hold something back.
void check_shaper(const Json& shaper, uint64_t bytes_per_second, uint64_t least_bytes) {
  CAPTURE(shaper.dump());
  REQUIRE(shaper.is_object());
  CHECK(shaper["options"]["rate"].get<uint64_t>() == bytes_per_second);
  CHECK(shaper["bytes"].get<uint64_t>() >= least_bytes);
  CHECK(shaper["overlimits"].get<uint64_t>() > 0);
}

constexpr auto npos = std::string::npos;

std::string programs_on(const std::string& shaper) {
  return sh_in("worker", "tc filter show dev " + shaper + " egress").output;
}

uint64_t forged_packets(Lab& lab) {
  return lab.agent("worker").ask("status")["drops"]["forged"]["packets"].get<uint64_t>();
}

// The shaped pod `net` may not send from an address of another.
void check_own_name(Lab& lab, const std::string& lxc) {
  const RawDevice pod("net", "eth0");
  auto packet = with_text("10.0.1.103", kRemotePod, "forged by a shaped pod");
  packet.to = mac_bytes(lab.mac_of("worker", lxc));
  const uint64_t before = forged_packets(lab);
  pod.send(frame(packet));
  CHECK(wait_until([&] { return forged_packets(lab) == before + 1; }));
  CHECK(packets_with(lab.network().wire(), "forged by a shaped pod").empty());
}

std::vector<std::string> intermediate_devices() {
  std::vector<std::string> names;
  for (const Json& link :
       Json::parse(must_in("worker", "ip -json -details link show type ifb | grep . || echo []"))) {
    if (link.contains("ifname")) names.push_back(link["ifname"]);
  }
  return names;
}

}  // namespace

TEST_CASE("a host port of portmap reaches the pod from outside and from the nodes until DEL") {
  // Alone: CHECK of Debian's bandwidth (1.1.1) crashes for a pod without limits.
  Cluster cluster({"portmap"});
  Lab& lab = cluster.lab;
  CniRuntime runtime = cluster.runtime();
  CniPod pod{.id = "sandbox-1", .netns = make_netns("net")};
  pod.wishes["portMappings"] = {{{"hostPort", 8080}, {"containerPort", 80}, {"protocol", "tcp"}}};
  const CniAnswer added = runtime.add(pod);
  CAPTURE(added.text());
  REQUIRE(added.ok());
  check_ok(runtime.check(pod));
  const Process server = serve(lab, "net", 3000);

  const std::string url = "http://172.18.0.3:8080/";
  CHECK(bytes_from(lab, "", url) == 3000);
  CHECK(bytes_from(lab, "worker2", url) == 3000);
  CHECK(bytes_from(lab, "worker", url) == 3000);
  CHECK(bytes_from(lab, "cni-fcnh6", url) == 3000);  // a pod of another node
  CHECK(bytes_from(lab, "net", url) == 3000);        // itself, through its node's address
  CHECK(bytes_from(lab, "cni-fcnh6", page_of(added)) == 3000);
  check_nothing_in_the_clear(lab);

  check_ok(runtime.remove(pod));
  CHECK_FALSE(lab.http_get("", url).ok());
  CHECK_THAT(must_in("worker", "iptables-legacy -t nat -S"), !Contains("8080"));
  CHECK(lab.agent("worker").ask("pod-list").empty());
  check_nothing_in_the_clear(lab);
}

TEST_CASE(
    "the ingress limit of bandwidth shapes what a pod gets, beside the program on its device") {
  Cluster cluster({"portmap", "bandwidth"});
  Lab& lab = cluster.lab;
  CniRuntime runtime = cluster.runtime();
  CniPod pod{.id = "sandbox-1", .netns = make_netns("net")};
  pod.wishes["bandwidth"] = {{"ingressRate", 8'000'000}, {"ingressBurst", 80'000}};
  const CniAnswer added = runtime.add(pod);
  CAPTURE(added.text());
  REQUIRE(added.ok());
  check_ok(runtime.check(pod));
  const std::string lxc = cluster.lxc();
  CHECK(qdisc(lxc, "clsact").is_object());
  CHECK_THAT(must_in("worker", "tc filter show dev " + lxc + " ingress"), Contains("pell_lxc_in"));
  CHECK(intermediate_devices().empty());

  write_file("/run/lab/www/cni-fcnh6/index.html", std::string(kPage, 'x'));
  CHECK(lab.ping("net", kRemotePod).ok());
  CHECK(bytes_from(lab, "net", kRemotePage) == kPage);
  check_shaper(qdisc(lxc, "tbf"), 1'000'000, kPage);
  CHECK(esp_packets(lab) > 0);
  check_nothing_in_the_clear(lab);

  check_ok(runtime.remove(pod));
  CHECK_FALSE(sh_in("worker", "ip link show dev " + lxc).ok());
  check_nothing_in_the_clear(lab);
}

TEST_CASE(
    "the egress limit of bandwidth takes our program to its own device, and policies encrypt") {
  Cluster cluster({"portmap", "bandwidth"});
  Lab& lab = cluster.lab;
  CniRuntime runtime = cluster.runtime();
  CniPod pod{.id = "sandbox-1", .netns = make_netns("net")};
  pod.wishes["bandwidth"] = {{"egressRate", 8'000'000}, {"egressBurst", 80'000}};
  const CniAnswer added = runtime.add(pod);
  CAPTURE(added.text());
  REQUIRE(added.ok());
  const std::string lxc = cluster.lxc();
  const std::vector<std::string> shapers = intermediate_devices();
  REQUIRE(shapers.size() == 1);
  const Process server = serve(lab, "net", kPage);

  const auto check_shaped = [&](const std::string& when) {
    CAPTURE(when);
    check_ok(runtime.check(pod));
    CHECK(qdisc(lxc, "ingress").is_object());
    CHECK(qdisc(lxc, "clsact").is_null());
    const std::string filters = must_in("worker", "tc filter show dev " + lxc + " ingress");
    CHECK_THAT(filters, Contains("Egress Redirect to device " + shapers.front()));
    CHECK_THAT(filters, !Contains("pell_"));
    CHECK(wait_until([&] { return programs_on(shapers.front()).find("pell_lxc_in") != npos; }));
    check_own_name(lab, lxc);
    CHECK(lab.agent("worker").ask("diff")["operations"].empty());
    CHECK(lab.agent("worker").ctl("status").ok());
    const uint64_t before = qdisc(shapers.front(), "tbf")["bytes"];
    CHECK(lab.ping("net", kRemotePod).ok());
    CHECK(bytes_from(lab, "cni-fcnh6", page_of(added)) == kPage);
    check_shaper(qdisc(shapers.front(), "tbf"), 1'000'000, before + kPage);
    CHECK(esp_packets(lab) > 0);
    check_nothing_in_the_clear(lab);
  };
  check_shaped("after ADD");
  lab.agent("worker").kill();
  lab.start_agent("worker");
  check_shaped("after a restart of the agent");

  // A node that cannot decrypt yet gets nothing: the program on the shaper drops what is for its
  // pods.
  lab.api().patch(
      api::node_key("control-plane"),
      {{"metadata", {{"annotations", {{"network.cilium.io/ipv4-cilium-host", nullptr}}}}}});
  REQUIRE(wait_until(
      [&] { return lab.agent("worker").says().find("1/2 encrypted") != std::string::npos; }));
  const auto dropped = [&] {
    return lab.agent("worker").ask("status")["drops"]["no_key"]["packets"].get<uint64_t>();
  };
  const uint64_t before = dropped();
  CHECK_FALSE(lab.ping("net", "10.0.2.77", 3).ok());
  CHECK(dropped() == before + 3);
  check_nothing_in_the_clear(lab);

  check_ok(runtime.remove(pod));
  CHECK(intermediate_devices().empty());
  CHECK_FALSE(sh_in("worker", "ip link show dev " + lxc).ok());
  check_nothing_in_the_clear(lab);
}

}  // namespace this_file
