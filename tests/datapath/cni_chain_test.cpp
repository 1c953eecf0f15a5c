// Debian's portmap and bandwidth plugins, called behind ours in one chain.
#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/datapath/raw_frames.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"

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
// control-plane has no agent, so that nobody publishes its address anew once it is taken back.
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

void check_ok(const CniAnswer& answer) {
  CAPTURE(answer.text());
  CHECK(answer.ok());
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

// One that looks at its plugins every second.
struct Chained {
  Lab lab{{.nodes = {seed_nodes().front()}, .agent_config = "resync-seconds = 1\n"}};
  NodeAgent& agent = lab.agent("worker");

  explicit Chained(const std::vector<std::string>& plugins) {
    install_plugins(agent.cni_bin_dir(), plugins);
    lab.start_agent("worker");
  }

  Json list() const { return conflist_in(agent.cni_conf_dir()); }
  // In the place of one of Debian's, moved there as installers do.
  void replace(const std::string& type, const std::string& script) const {
    const std::string path = agent.cni_bin_dir() + "/" + type;
    write_file(path + ".new", "#!/bin/sh\n" + script);
    must("chmod +x " + path + ".new && mv " + path + ".new " + path);
  }
};

// Debian's portmap as a release that speaks CNI 1.1.0: what differs is said in front of it.
constexpr const char* kNewerPortmap = R"(
case $CNI_COMMAND in
  VERSION) cat > /dev/null
    echo '{"cniVersion": "1.1.0", "supportedVersions": ["0.4.0", "1.0.0", "1.1.0"]}' ;;
  STATUS | GC) cat > /run/lab/portmap.$CNI_COMMAND ;;
  *) set -e
    sed 's/"cniVersion":"1.1.0"/"cniVersion":"1.0.0"/g' | /usr/lib/cni/portmap > /run/lab/portmap.out
    sed 's/"cniVersion": *"1.0.0"/"cniVersion": "1.1.0"/' /run/lab/portmap.out ;;
esac
)";

}  // namespace

TEST_CASE("the runtime of the lab calls a chain of plugins as the specification says") {
  const std::string bin_dir = "/run/lab/bin";
  install_plugins(bin_dir, {"ptp", "host-local", "portmap"});
  make_netns("node");
  const Json list = {
      {"cniVersion", "1.0.0"},
      {"name", "example"},
      {"plugins",
       {{{"type", "ptp"}, {"ipam", {{"type", "host-local"}, {"subnet", "10.9.0.0/24"}}}},
        {{"type", "portmap"}, {"capabilities", {{"portMappings", true}}}}}}};
  CniRuntime runtime("node", bin_dir, list);
  std::vector<CniPod> pods;
  for (const std::string name : {"one", "two", "three"}) {
    pods.push_back({.id = "id-" + name, .netns = make_netns(name)});
  }

  std::vector<CniAnswer> added(pods.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < pods.size(); ++i) {
    threads.emplace_back([&, i] { added[i] = runtime.add(pods[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> addresses;
  for (const CniAnswer& answer : added) {
    check_ok(answer);
    CHECK(answer.plugin == "portmap");
    REQUIRE(answer.addresses().size() == 1);
    addresses.insert(answer.addresses().front());
  }
  CHECK(addresses.size() == pods.size());

  check_ok(runtime.check(pods[0]));
  must_in("one", "ip link del eth0");
  const CniAnswer broken = runtime.check(pods[0]);
  CHECK_FALSE(broken.ok());
  CHECK(broken.plugin == "ptp");
  CHECK(broken.result.is_object());
  for (const CniPod& pod : pods) check_ok(runtime.remove(pod));
  CHECK(must_in("node", "ip -brief link").find("veth") == std::string::npos);
  CHECK_FALSE(runtime.status().ok());  // these plugins are older than the verb
  CHECK_THROWS_AS(CniRuntime("node", "/nowhere", list).add(pods[0]), LabError);
  for (const std::string name : {"one", "two", "three", "three", "node"}) remove_netns(name);
  CHECK_FALSE(std::filesystem::exists("/run/netns/three"));
}

TEST_CASE(
    "the list offers what all plugins of the chain speak, and a newer runtime asks them all") {
  Chained node({"portmap", "bandwidth"});
  CHECK(node.list()["cniVersion"] == "1.0.0");  // Debian's 1.1.1
  CHECK_FALSE(node.list().contains("cniVersions"));
  CHECK(node.list()["disableCheck"] == true);
  CHECK(node.agent.ask("status")["cni"]["chained"] == Json{"portmap", "bandwidth"});
  CHECK_THAT(node.agent.says(), !Contains("CNI plugin"));

  node.replace("portmap", kNewerPortmap);
  std::filesystem::remove(node.agent.cni_bin_dir() + "/bandwidth");
  REQUIRE(wait_until([&] { return node.list().contains("cniVersions"); }, 30s));
  CHECK(node.list()["cniVersion"] == "1.0.0");  // for a runtime that knows of no other
  CHECK(node.list()["cniVersions"] == Json{"1.0.0", "1.1.0"});
  CHECK_FALSE(node.list().contains("disableCheck"));
  CHECK(node.agent.ask("status")["cni"]["versions"] == Json{"1.0.0", "1.1.0"});
  CHECK(node.agent.ask("status")["cni"]["missing"] == Json{"bandwidth"});

  auto list = node.list();
  list["cniVersion"] = "1.1.0";  // as a runtime of CNI 1.1.0 chooses
  CniRuntime runtime("worker", node.agent.cni_bin_dir(), list);
  check_ok(runtime.status());
  CHECK(std::filesystem::exists("/run/lab/portmap.STATUS"));
  const CniPod pod{.id = "sandbox-1", .netns = make_netns("net")};
  const CniPod other{.id = "sandbox-2", .netns = make_netns("other")};
  for (const CniPod& each : {pod, other}) check_ok(runtime.add(each));
  check_ok(runtime.check(pod));
  CHECK(node.agent.ask("pod-list").size() == 2);
  check_ok(runtime.collect({pod}));
  CHECK(std::filesystem::exists("/run/lab/portmap.GC"));
  CHECK(node.agent.ask("pod-list").size() == 1);
  check_ok(runtime.remove(pod));
}

TEST_CASE("a plugin that does not say what it speaks is told, and nobody waits for it") {
  Chained node({"portmap"});
  REQUIRE(wait_until([&] { return !node.list().contains("cniVersions"); }, 30s));
  node.replace("portmap", kNewerPortmap);
  REQUIRE(wait_until([&] { return node.list().contains("cniVersions"); }, 30s));

  node.replace("portmap", "touch /run/lab/asked; exec sleep 10000\n");
  REQUIRE(wait_until([] { return std::filesystem::exists("/run/lab/asked"); }, 30s));
  const auto begin = std::chrono::steady_clock::now();
  CniRuntime runtime("worker", node.agent.cni_bin_dir(), node.list());
  CHECK(node.agent.ask("pod-list").empty());
  CHECK(std::chrono::steady_clock::now() - begin < patience(2s));
  CHECK(node.list().contains("cniVersions"));  // until it is known better
  REQUIRE(wait_until([&] { return !node.list().contains("cniVersions"); }, 60s));
  CHECK(node.list()["cniVersion"] == "1.0.0");
  CHECK_THAT(node.agent.says(), Contains("CNI plugin " + node.agent.cni_bin_dir() + "/portmap") &&
                                    Contains("does not say which CNI versions it speaks") &&
                                    Contains("no end after 10 seconds"));
  CHECK(sh("pgrep -f '[s]leep 10000'").output.empty());

  node.replace("portmap", "exec /usr/lib/cni/portmap\n");
  CHECK(wait_until([&] { return node.agent.ctl("status").ok(); }, 30s));
  CHECK(node.list()["cniVersion"] == "1.0.0");
}

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
