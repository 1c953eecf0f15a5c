// A chain of plugins: which CNI versions the list offers, and what a runtime asks each plugin.
#include <filesystem>
#include <set>
#include <thread>

#include "tests/datapath/cni_node.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Json = nlohmann::json;

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

}  // namespace this_file
