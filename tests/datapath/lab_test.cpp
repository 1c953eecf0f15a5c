// The lab itself, on which the other datapath tests rely.
#include "tests/harness/lab/lab.h"
#include "tests/harness/catch.h"
#include "tools/ctl/agent_socket.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

std::string log_dir() {
  return "/run";
}

std::vector<NodeAddresses> addresses(const Network& network) {
  std::vector<NodeAddresses> nodes;
  for (const NodeSpec& node : network.nodes()) nodes.push_back({node.pod_cidr, node.router});
  return nodes;
}

// A pod with plain routing, without an agent and without encryption.
void add_plain_pod(const NodeSpec& node, const std::string& pod, const std::string& address) {
  must("ip netns add " + pod + " && ip -n " + node.name + " link add veth-" + pod +
       " type veth peer name eth0 netns " + pod);
  must_in(node.name, "echo 1 > /proc/sys/net/ipv4/ip_forward && ip addr add " +
                         node.router.to_string() + "/32 dev veth-" + pod + " && ip link set veth-" +
                         pod + " up && ip route add " + address + " dev veth-" + pod);
  must_in(pod, "ip addr add " + address + "/32 dev eth0 && ip link set eth0 up && ip route add " +
                   node.router.to_string() + " dev eth0 && ip route add default via " +
                   node.router.to_string());
}

struct PlainPods {
  Network network{log_dir(), seed_nodes()};
  PlainPods() {
    add_plain_pod(network.node("worker"), "net", "10.0.1.52");
    add_plain_pod(network.node("worker2"), "peer", "10.0.0.249");
    must("ip -n worker route add 10.0.0.0/24 via 172.18.0.4");
    must("ip -n worker2 route add 10.0.1.0/24 via 172.18.0.3");
  }
};

}  // namespace

TEST_CASE("lab: nodes reach one another with docker's addresses") {
  Network network(log_dir(), seed_nodes());
  network.add(fourth_node());
  for (const NodeSpec& from : network.nodes()) {
    for (const NodeSpec& to : network.nodes()) {
      CAPTURE(from.name, to.name);
      CHECK(sh_in(from.name, "ping -c 1 -W 2 " + to.address.to_string()).ok());
    }
  }
  CHECK(must("cat /proc/sys/net/ipv4/ip_forward") == "0\n");
  const std::string eth0 = must("ip -n worker addr show eth0");
  CHECK(eth0.find("02:42:ac:12:00:03") != std::string::npos);
  CHECK(eth0.find("172.18.0.3/16 brd 172.18.255.255 scope global eth0") != std::string::npos);
  CHECK(must("ip -n worker route") ==
        "default via 172.18.0.1 dev eth0 \n"
        "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.3 \n");
  network.remove("worker3");
  CHECK_FALSE(sh_in("worker", "ping -c 1 -W 1 172.18.0.5").ok());
  network.change_address("worker2", IpAddress::parse("172.18.0.9").value());
  CHECK(sh_in("worker", "ping -c 1 -W 2 172.18.0.9").ok());
  CHECK_FALSE(sh_in("worker", "ping -c 1 -W 1 172.18.0.4").ok());
  // 16 pairs minus 4 to the node itself, plus the last successful one: request and reply, each seen
  // twice.
  CHECK(network.wire().size() >= 52);
  CHECK(cleartext_between_pods(network.wire(), addresses(network)).empty());
}

TEST_CASE("lab: a cleartext packet between pods does not go unseen") {
  PlainPods pods;
  REQUIRE(sh_in("net", "ping -c 3 -i 0.2 -p c0ffee42 10.0.0.249").ok());
  const auto cleartext = cleartext_between_pods(pods.network.wire(), addresses(pods.network));
  REQUIRE(cleartext.size() == 12);
  CHECK(cleartext[0].text() == "10.0.1.52 > 10.0.0.249 protocol 1 length 98");
  CHECK(packets_with(pods.network.wire(), "\xc0\xff\xee\x42\xc0\xff\xee\x42").size() == 12);
}

TEST_CASE("lab: ESP between the nodes' cilium_host addresses is not cleartext") {
  PlainPods pods;
  const std::string key = "0x000102030405060708090a0b0c0d0e0f10111213";
  const auto tunnel = [&](const std::string& node, const std::string& own, const std::string& peer,
                          const std::string& own_cidr, const std::string& peer_cidr) {
    for (const std::string& ends : {"src " + own + " dst " + peer, "src " + peer + " dst " + own}) {
      must("ip -n " + node + " xfrm state add " + ends +
           " proto esp spi 3 mode tunnel reqid 1 aead 'rfc4106(gcm(aes))' " + key + " 128");
    }
    const std::string tmpl = " proto esp reqid 1 mode tunnel";
    must("ip -n " + node + " xfrm policy add src " + own_cidr + " dst " + peer_cidr +
         " dir out tmpl src " + own + " dst " + peer + tmpl);
    for (const char* direction : {"in", "fwd"}) {
      must("ip -n " + node + " xfrm policy add src " + peer_cidr + " dst " + own_cidr + " dir " +
           direction + " tmpl src " + peer + " dst " + own + tmpl);
    }
  };
  tunnel("worker", "10.0.1.138", "10.0.0.40", "10.0.1.0/24", "10.0.0.0/24");
  tunnel("worker2", "10.0.0.40", "10.0.1.138", "10.0.0.0/24", "10.0.1.0/24");

  Capture eth0({.netns = "worker", .dev = "eth0", .filter = "esp"}, log_dir() + "/eth0.pcap");
  eth0.ready();
  REQUIRE(sh_in("net", "ping -c 1 10.0.0.249").ok());
  eth0.stop();
  CHECK(cleartext_between_pods(pods.network.wire(), addresses(pods.network)).empty());
  CHECK(normalised(eth0.text(),
                   {{"02:42:ac:12:00:03", "worker"}, {"02:42:ac:12:00:04", "worker2"}}) ==
        "worker > worker2, ethertype IPv4 (0x0800), length 154: 10.0.1.138 > 10.0.0.40: "
        "ESP(spi=0x00000003,seq=N), length 120\n"
        "worker2 > worker, ethertype IPv4 (0x0800), length 154: 10.0.0.40 > 10.0.1.138: "
        "ESP(spi=0x00000003,seq=N), length 120\n");

  const std::string inner =
      decrypted(eth0.path(), {{"10.0.1.138", "10.0.0.40", "0x00000003", key.substr(2)},
                              {"10.0.0.40", "10.0.1.138", "0x00000003", key.substr(2)}});
  CHECK(inner.find("10.0.1.52 → 10.0.0.249") != std::string::npos);
  CHECK(inner.find("Echo (ping) request") != std::string::npos);
  CHECK(inner.find("Echo (ping) reply") != std::string::npos);

  const KernelPicture picture = kernel_picture("worker");
  CHECK(picture.states.find("aead rfc4106(gcm(aes)) <key> 128") != std::string::npos);
  CHECK(picture.text().find(key.substr(2)) == std::string::npos);
}

TEST_CASE("lab: a capture loses no packet when it is stopped") {
  Network network(log_dir(), seed_nodes());
  Capture capture({.netns = "worker", .dev = "eth0", .filter = "icmp"}, log_dir() + "/flood.pcap");
  capture.ready();
  REQUIRE(sh_in("worker", "ping -q -f -c 2000 172.18.0.4").ok());
  capture.stop();
  CHECK(capture.packets().size() == 4000);
}

TEST_CASE("lab: a process in the background can be ended, killed and waited for") {
  Process sleeper({"sleep", "100"}, "/run/sleeper.log");
  CHECK(sleeper.running());
  CHECK_FALSE(sleeper.wait(0s).has_value());
  CHECK(sleeper.stop(SIGTERM) == 128 + SIGTERM);
  CHECK_FALSE(sleeper.running());

  Process stubborn({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"},
                   "/run/stubborn.log");
  REQUIRE(wait_until([&] { return stubborn.output() == "ready\n"; }));
  CHECK(stubborn.stop(SIGTERM, 1s) == 128 + SIGKILL);

  Process failing({"sh", "-c", "exit 7"}, "/run/failing.log");
  CHECK(failing.wait() == 7);
  CHECK_THROWS_AS(Process({"/no/such/program"}, "/run/none.log"), LabError);
  CHECK_THROWS_AS(must("false"), LabError);
  CHECK(sh("sleep 10", 1s).status == 124);
}

TEST_CASE("lab: every node reaches the Kubernetes API, which holds the cluster") {
  Lab lab;
  lab.add_node(fourth_node());
  write_file("/run/ca.pem", lab.api().ca_pem());
  for (const NodeSpec& node : lab.network().nodes()) {
    CAPTURE(node.name);
    const Result object = lab.in_node(
        node.name, "curl -s --cacert /run/ca.pem -H 'Authorization: Bearer token-of-" + node.name +
                       "' https://172.18.0.1:6443/api/v1/nodes/" + node.name);
    CHECK(object.output.find(node.pod_cidr.to_string()) != std::string::npos);
    CHECK(object.output.find(node.address.to_string()) != std::string::npos);
    CHECK_FALSE(lab.agent(node.name).running());
  }
  CHECK_THROWS_AS(lab.agent("worker").ask("status"), ctl::Unreachable);
  CHECK_FALSE(lab.agent("worker").wait_ready(1s));
  CHECK_THROWS_AS(lab.agent("nobody"), LabError);
  lab.remove_node("worker3");
  CHECK_FALSE(lab.api().get(api::node_key("worker3")).has_value());

  CHECK(lab.files_with_the_key().empty());
  write_file(lab.log_dir() + "/leak.txt",
             "x" + std::string("000102030405060708090A0B0C0D0E0F10111213"));
  CHECK(lab.files_with_the_key() == std::vector{lab.log_dir() + "/leak.txt"});
  must("rm " + lab.log_dir() + "/leak.txt");
}

}  // namespace this_file
