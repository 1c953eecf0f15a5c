// Connectivity beyond pods of two nodes, and with foreign rules in the node's tables.
// encryption_test covers ESP between all pods.
#include <algorithm>
#include <filesystem>
#include <list>
#include <regex>

#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kKey12 = "12 rfc4106(gcm(aes)) 000102030405060708090a0b0c0d0e0f10111213 128";

// An older kubelet's rule, in the chain that kubelet and kube-proxy share; and a host that forwards
// nothing by default.
constexpr const char* kKubeletDrop =
    "iptables-legacy -A KUBE-FIREWALL -m comment --comment 'kubernetes firewall for dropping "
    "marked "
    "packets' -m mark --mark 0x8000/0x8000 -j DROP && iptables-legacy -P FORWARD DROP";

// A UDP echo server, and a client that checks the answers.
constexpr const char* kUdpEcho =
    "$s = IO::Socket::INET->new(LocalPort => 5000, Proto => 'udp') or die; "
    "while ($s->recv($m, 65535)) { $s->send($m) }";
constexpr const char* kUdpAsk =
    "$s = IO::Socket::INET->new(PeerAddr => '10.0.0.249', PeerPort => 5000, Proto => 'udp') or "
    "die; $SIG{ALRM} = sub { die 'no answer' }; for (1, 1200, 4000, 20000) { my $m = 'x' x $_; "
    "alarm 3; $s->send($m) or die $!; $s->recv($b, 65535); die $_ unless $b eq $m }";

void check_reaches(Lab& lab, const std::string& from, const std::string& address,
                   const std::string& page) {
  CAPTURE(from, address);
  const Result ping = lab.ping(from, address);
  CAPTURE(ping.output);
  CHECK(ping.ok());
  CHECK(lab.http_get(from, "http://" + address + "/").output == page);
}

// Does conntrack show such a connection, as in the seed's listing?
bool tracked(const std::string& node, const std::string& original, const std::string& reply) {
  const std::regex line("tcp      6 [0-9]+ TIME_WAIT " + original + " " + reply +
                        " \\[ASSURED\\] mark=(0|4096) use=[0-9]+\n");
  return std::regex_search(must_in(node, "conntrack -L -p tcp 2>/dev/null"), line);
}

size_t esp_packets(Lab& lab) {
  const auto wire = lab.network().wire();
  return static_cast<size_t>(std::count_if(
      wire.begin(), wire.end(), [](const Packet& packet) { return packet.protocol == 50; }));
}

void check_nothing_in_the_clear(Lab& lab) {
  for (const Packet& packet : lab.cleartext()) UNSCOPED_INFO(packet.text());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

// Requests the page so often that both of the Service's pods answer.
void check_both_answer(Lab& lab, const std::string& from, const std::string& url) {
  CAPTURE(from, url);
  bool remote = false;
  bool local = false;
  bool other = false;
  for (int i = 0; i < 40 && !(remote && local) && !other; ++i) {
    const std::string page = lab.http_get(from, url).output;
    CAPTURE(page);
    remote |= page == kSeedPods[2].page();
    local |= page == kSeedPods[1].page();
    other |= page != kSeedPods[1].page() && page != kSeedPods[2].page();
    CHECK_FALSE(other);
  }
  CHECK(remote);
  CHECK(local);
}

}  // namespace

TEST_CASE("pods reach pods of their node, their node, and every node's cilium_host address") {
  Lab lab;
  lab.start_agents();
  add_seed_pods(lab);
  lab.serve_http_on_nodes(80);
  check_reaches(lab, "net", "10.0.1.103", kSeedPods[1].page());
  check_reaches(lab, "cni-s22px", "10.0.1.52", kSeedPods[0].page());
  for (const SeedPod& pod : kSeedPods) {
    check_reaches(lab, pod.node, pod.address, pod.page());
    check_reaches(lab, pod.name, lab.network().node(pod.node).address.to_string(),
                  std::string(pod.node) + "\n");
  }
  CHECK(esp_packets(lab) == 0);  // no traffic between nodes so far
  for (const SeedPod& pod : kSeedPods) {
    for (const NodeSpec& node : lab.network().nodes()) {
      check_reaches(lab, pod.name, node.router.to_string(), node.name + "\n");
    }
  }
  CHECK(esp_packets(lab) > 0);
  check_nothing_in_the_clear(lab);
}

TEST_CASE("large packets, UDP and a body of a megabyte go between pods and nodes") {
  Lab lab;
  lab.start_agents();
  add_seed_pods(lab);
  for (const char* to : {"10.0.0.249", "10.0.1.103", "10.0.0.40", "10.0.1.138"}) {
    CAPTURE(to);
    const Result ping = sh_in("net", std::string("ping -c 2 -i 0.2 -W 2 -s 4000 ") + to);
    CAPTURE(ping.output);
    CHECK(ping.ok());
  }
  Process echo({"perl", "-MIO::Socket::INET", "-e", kUdpEcho}, lab.log_dir() + "/udp.log",
               "cni-fcnh6");
  const std::string ask = std::string("perl -MIO::Socket::INET -e ") + shell_word(kUdpAsk);
  const bool answered = wait_until([&] { return sh_in("net", ask).ok(); }, 5s);
  CHECK(answered);

  must(
      "cd /run/lab/www && head -c 1048576 /dev/urandom > net/megabyte && "
      "cp net/megabyte cni-fcnh6/megabyte");
  const std::string sum = must("sha256sum < /run/lab/www/cni-fcnh6/megabyte");
  const std::string get = "curl --silent --show-error --max-time 20 http://";
  CHECK(sh_in("net", get + "10.0.0.249/megabyte | sha256sum").output == sum);
  must_in("worker", std::string("iptables-legacy -t nat -A PREROUTING -d ") + kServiceAddress +
                        " -p tcp --dport 80 -j DNAT --to-destination 10.0.0.249:80");
  CHECK(sh_in("net", get + kServiceAddress + "/megabyte | sha256sum").output == sum);
  CHECK(sh_in("cni-fcnh6", get + "10.0.1.52/megabyte | sha256sum").output == sum);
  check_nothing_in_the_clear(lab);
}

TEST_CASE("a ClusterIP that is DNATed to a remote pod works and is encrypted") {
  Lab lab;
  lab.start_agents();
  add_seed_pods(lab);
  must_in("worker", std::string("iptables-legacy -t nat -A PREROUTING -d ") + kServiceAddress +
                        " -p tcp --dport 80 -j DNAT --to 10.0.0.249:80");
  const size_t before = esp_packets(lab);
  const Result page = lab.http_get("net", std::string("http://") + kServiceAddress + "/");
  CHECK(page.output == kSeedPods[2].page());
  // Three packets there, two back, each seen at the sending and at the receiving node.
  CHECK(esp_packets(lab) >= before + 10);
  CHECK(wait_until([] {
    return tracked("worker", "src=10.0.1.52 dst=10.96.169.246 sport=[0-9]+ dport=80",
                   "src=10.0.0.249 dst=10.0.1.52 sport=80 dport=[0-9]+");
  }));
  check_nothing_in_the_clear(lab);
}

TEST_CASE("kube-proxy's and the kubelet's rules stop none of it, whatever bits the key id sets") {
  // The marks of key 12 contain kube-proxy's 0x4000 and kubelet's 0x8000. The foreign rules are
  // written after Pellicle's, and end before them in every chain: only a full comparison shows
  // that.
  Lab lab({.key_line = kKey12, .agent_config = "resync-seconds = 1\n"});
  lab.start_agents();
  add_seed_pods(lab);
  lab.serve_http_on_nodes(80);
  install_service(lab.network());
  for (const NodeSpec& node : lab.network().nodes()) must_in(node.name, kKubeletDrop);
  for (const SeedPod& from : kSeedPods) {  // until every node's agent has made a pass
    CAPTURE(from.name);
    for (const SeedPod& to : kSeedPods) {
      CHECK(wait_until([&] { return lab.ping(from.name, to.address).ok(); }));
    }
  }
  for (const SeedPod& from : kSeedPods) {
    for (const SeedPod& to : kSeedPods) {
      if (from.name != to.name) check_reaches(lab, from.name, to.address, to.page());
    }
    check_reaches(lab, from.name, "10.0.0.40", "worker2\n");
    check_reaches(lab, from.node, from.address, from.page());
  }
  // Also from the Service's own pod: then the answer may come from itself.
  const std::string service = std::string("http://") + kServiceAddress + "/";
  check_both_answer(lab, "net", service);
  check_both_answer(lab, "cni-s22px", service);
  check_both_answer(lab, "cni-cp", service);
  check_both_answer(lab, "net", "http://172.18.0.3:32000/");
  CHECK(tracked("worker", "src=10.0.1.52 dst=172.18.0.3 sport=[0-9]+ dport=32000",
                "src=10.0.0.249 dst=172.18.0.3 sport=80 dport=[0-9]+"));
  check_nothing_in_the_clear(lab);
}

}  // namespace this_file
