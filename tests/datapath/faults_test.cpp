// What a node reports for each fault that a test can cause: the texts are in tests/datapath/told,
// for people to read.
#include <signal.h>

#include <filesystem>

#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/told.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

LabOptions asking(const std::string& key_line = pair_key_line()) {
  return {.key_line = key_line, .agent_config = "cluster-health-interval = 2\n"};
}

// All nodes reach each other on every path, so no start-up condition is still reported.
void settle(Lab& lab) {
  lab.start_agents();
  const auto reached = [&] {
    const auto metrics = sh_in("worker", "curl --silent http://127.0.0.1:9879/metrics").output;
    for (const std::string peer : {"control-plane", "worker2"}) {
      for (const std::string way : {"node", "tunnel"}) {
        const auto line = "pellicle_node_health_connectivity_status{peer=\"" + peer + "\",way=\"" +
                          way + "\"} 1\n";
        if (metrics.find(line) == metrics.npos) return false;
      }
    }
    return true;
  };
  REQUIRE(wait_until(reached, 60s));
}

std::string hex_byte(int number) {
  constexpr const char* kDigits = "0123456789abcdef";
  return {kDigits[number / 16], kDigits[number % 16]};
}

constexpr const char* kUser = "system:serviceaccount:kube-system:pellicle";

}  // namespace

TEST_CASE("faults of the cluster and the machine are told with cause and remedy") {
  Lab lab(asking());
  settle(lab);
  CHECK(Told(lab, "worker").as_checked_in("healthy"));
  {
    Told told(lab, "worker");
    lab.set_key("4+ rfc4106(gcm(aes)) 0123456789 128");
    REQUIRE(told.says("Secret kube-system/cilium-ipsec-keys data.keys"));
    CHECK(told.as_checked_in("bad-secret"));
    lab.set_key(pair_key_line());
    REQUIRE(told.healthy());
  }
  {
    Told told(lab, "worker");
    lab.api().forbid(kUser, "patch", "*");
    auto node = lab.api().get(api::node_key("worker")).value();
    lab.api().patch(
        api::node_key("worker"),
        {{"metadata", {{"annotations", {{"network.cilium.io/encryption-key", nullptr}}}}}});
    REQUIRE(told.says("Node worker metadata.annotations"));
    CHECK(told.as_checked_in("no-permission"));
    lab.api().permit(kUser, "patch", "*");
    REQUIRE(told.healthy(60s));
  }
  {
    Told told(lab, "worker");
    write_file(lab.agent("worker").cni_conf_dir() + "/00-other.conflist",
               R"({"cniVersion":"1.0.0","name":"other","plugins":[{"type":"bridge"}]})");
    must_in("worker", "ip link set dev cilium_host mtu 1499");  // the pass also reads the folder
    REQUIRE(told.says("00-other.conflist"));
    CHECK(told.as_checked_in("foreign-cni"));
    std::filesystem::remove(lab.agent("worker").cni_conf_dir() + "/00-other.conflist");
    must_in("worker", "ip link set dev cilium_host mtu 1499");
    REQUIRE(told.healthy());
  }
  {
    Told told(lab, "worker");
    must("date -s @$(($(date +%s) + 3600))");
    must_in("worker", "ip link set dev cilium_host mtu 1499");  // gives the next pass work
    REQUIRE(wait_until([&] {
      return lab.agent("worker").ctl("diff").output.find("nothing to do") != std::string::npos;
    }));
    REQUIRE(told.healthy());
    CHECK(told.as_checked_in("clock-jump"));
  }
  {
    Told told(lab, "worker");
    lab.api().go_away();
    REQUIRE(told.says("Kubernetes: Degraded"));
    CHECK(told.says("the last known state keeps running"));
    CHECK(told.as_checked_in("api-away"));
    lab.api().come_back();
    REQUIRE(told.says("Kubernetes: Ok", 60s));
  }
}

TEST_CASE("faults of the datapath are told with cause and remedy") {
  Lab lab(asking());
  settle(lab);
  {
    Told told(lab, "worker");
    must("ip link set port4 mtu 1400");
    REQUIRE(told.says("packets of full size to it are lost when they are encrypted"));
    REQUIRE(told.says("Cluster health: 1/2"));
    CHECK(told.as_checked_in("wrong-mtu"));
    must("ip link set port4 mtu 1500");
    REQUIRE(told.healthy());
    REQUIRE(told.says("Cluster health: 2/2"));
  }
  {
    Told told(lab, "worker");
    const pid_t agent = lab.agent("worker").pid();
    REQUIRE(kill(agent, SIGSTOP) == 0);  // so that packets are sent before the repair
    must_in("worker", iptables() + " -P FORWARD DROP");
    must_in("worker", "ip xfrm policy flush");
    CHECK_FALSE(sh_in("worker", "ping -c 5 -i 0.1 -W 0.1 -I 10.0.1.138 10.0.0.40").ok());
    REQUIRE(kill(agent, SIGCONT) == 0);
    REQUIRE(wait_until([&] {
      return lab.agent("worker").ctl("diff").output.find("nothing to do") != std::string::npos;
    }));
    REQUIRE(told.healthy());
    CHECK(told.as_checked_in("deleted-policies-and-forward-drop"));
    must_in("worker", iptables() + " -P FORWARD ACCEPT");
  }
  {
    Told told(lab, "worker");
    must_in("worker2", "ip link set eth0 down");
    REQUIRE(told.says("Cluster health: 1/2"));
    CHECK(told.as_checked_in("node-away"));
    must_in("worker2", "ip link set eth0 up && ip route replace default via 172.18.0.1");
    REQUIRE(told.says("Cluster health: 2/2"));
  }
}

TEST_CASE("a peer with another key is told by both") {
  Lab lab(asking(api::kSeedKeyLine));
  settle(lab);
  Told worker(lab, "worker");
  Told worker2(lab, "worker2");
  lab.agent("worker2").kill();
  std::string other = api::kSeedKeyLine;
  other[other.find(")) ") + 3] ^= 1;  // another digit, the same id
  lab.set_key(other);
  lab.agent("worker2").reboot();
  lab.agent("worker2").start("cluster-health-interval = 2\n");
  REQUIRE(worker.says("does not answer through ESP while the node itself does", 60s));
  CHECK(worker.as_checked_in("other-key"));
  REQUIRE(worker2.says("does not answer through ESP while the node itself does", 60s));
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a kernel without ESP, a pool that is used up and a full disk are told with the remedy") {
  LabOptions options = asking(api::kSeedKeyLine);
  must("rmmod esp4 && mv $(readlink -f /lib/modules/$(uname -r))/kernel/net/ipv4/esp4.ko /run/");
  Lab lab(std::move(options));
  lab.agent("worker").start("cluster-health-interval = 2\n");
  {
    REQUIRE(wait_until(
        [&] { return lab.agent("worker").says().find("refused since") != std::string::npos; }));
    Told told(lab, "worker", true);
    REQUIRE(told.says("the kernel cannot do ESP over IPv4"));
    CHECK(told.as_checked_in("no-esp4"));
    must("mv /run/esp4.ko $(readlink -f /lib/modules/$(uname -r))/kernel/net/ipv4/");
    settle(lab);
    REQUIRE(told.healthy(60s));
  }
  {
    lab.add_node({.name = "small",
                  .address = IpAddress::parse("172.18.0.5").value(),
                  .pod_cidr = Cidr::parse("10.0.3.0/29").value(),
                  .router = IpAddress::parse("10.0.3.1").value()});
    lab.start_agent("small");
    REQUIRE(Told(lab, "small").says("Cluster health: 3/3 reachable"));
    Told told(lab, "small");
    const auto add = [&](const std::string& pod) {
      must("ip netns add " + pod);
      lab.agent("small").ask("pod-add",
                             {{"id", pod}, {"name", pod}, {"netns", "/run/netns/" + pod}});
    };
    for (int i = 0; i < 4; ++i) add("pod" + std::to_string(i));
    REQUIRE_THROWS_WITH(add("pod4"),
                        Catch::Matchers::Contains("no address of PodCIDR 10.0.3.0/29"));
    REQUIRE(told.says("none is free"));
    CHECK(told.as_checked_in("pool-used-up"));
  }
  {
    // The map of pods is full: the pod is refused with the reason, and the next pass removes the
    // stale entries.
    std::string batch;
    for (int i = 0; i < 4096; ++i) {
      batch += "map update pinned " + lab.agent("worker").bpf_root() +
               "/pellicle_eps key hex 0a 63 " + hex_byte(i / 256) + " " + hex_byte(i % 256) +
               " value hex 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n";
    }
    write_file("/run/fill", batch);
    REQUIRE_FALSE(sh("bpftool batch file /run/fill").ok());  // the last entries do not fit
    must("ip netns add late");
    const nlohmann::json pod{{"id", "late"}, {"name", "late"}, {"netns", "/run/netns/late"}};
    CHECK_THROWS_WITH(lab.agent("worker").ask("pod-add", pod),
                      Catch::Matchers::Contains("the eBPF map of pods is full, it holds 4096"));
    CHECK(wait_until(
        [&] {
          try {
            lab.agent("worker").ask("pod-add", pod);
            return true;
          } catch (const std::exception&) {
            return false;
          }
        },
        60s));
    lab.agent("worker").ask("pod-delete", {{"id", "late"}});
  }
  {
    // The state directory on a full file system.
    Told told(lab, "worker");
    const auto& agent = lab.agent("worker");
    lab.agent("worker").stop();
    must("mount -t tmpfs -o size=64k tmpfs " + agent.state_dir());
    // Writes until the file system is full, and fails for that reason.
    const Result filled = sh("dd if=/dev/zero of=" + agent.state_dir() + "/full bs=4k");
    REQUIRE(filled.output.find("No space left on device") != std::string::npos);
    lab.agent("worker").start("cluster-health-interval = 2\n");
    REQUIRE(told.says("No space left on device", 60s));
    CHECK(told.as_checked_in("full-disk"));
    must("rm " + agent.state_dir() + "/full");
    REQUIRE(told.healthy(60s));
  }
}

}  // namespace this_file
