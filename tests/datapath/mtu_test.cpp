// The path MTU: packets that fit are sent whole, and senders of larger ones are told.
#include <algorithm>
#include <filesystem>

#include "tests/datapath/ping_words.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr uint8_t kEsp = 50;
constexpr size_t kHeaders = 28;      // IPv4 and ICMP
constexpr uint32_t kLongest = 1514;  // an Ethernet frame on a link of MTU 1500
constexpr const char* kRemote = "10.0.0.249";

struct Cluster {
  Lab lab;

  explicit Cluster(const std::string& agent_config = "") : lab({.agent_config = agent_config}) {
    lab.start_agents();
    lab.add_pod("worker", "net", "10.0.1.52");
    lab.add_pod("worker2", "cni-fcnh6", kRemote);
    lab.serve_http("cni-fcnh6");
    must("head -c 65536 /dev/urandom > /run/lab/www/cni-fcnh6/body");
  }

  // One packet with this total size; Don't Fragment as `-M do` sets it.
  Result ping(const std::string& netns, size_t bytes, const std::string& fragment = "do",
              const std::string& to = kRemote) {
    return sh_in(netns, "ping -c 1 -W 2 -M " + fragment + " -s " +
                            std::to_string(bytes - kHeaders) + " " + to);
  }

  void check_body_arrives(const std::string& netns) {
    const std::string sum = must("sha256sum < /run/lab/www/cni-fcnh6/body");
    CHECK(sh_in(netns,
                std::string("curl --silent --max-time 20 http://") + kRemote + "/body | sha256sum")
              .output == sum);
  }

  // ESP on the wire: the number of fragments, and the longest frame.
  std::pair<size_t, uint32_t> esp() {
    size_t fragments = 0;
    uint32_t longest = 0;
    for (const Packet& packet : lab.network().wire()) {
      if (packet.protocol != kEsp) continue;
      const auto high = static_cast<uint8_t>(packet.frame.at(20));
      const auto low = static_cast<uint8_t>(packet.frame.at(21));
      const bool more = (high & 0x20) != 0;
      const bool offset = ((high & 0x1f) | low) != 0;
      fragments += more || offset ? 1 : 0;
      longest = std::max(longest, packet.length);
    }
    return {fragments, longest};
  }
};

}  // namespace

TEST_CASE("the largest packet of a pod's route fits the wire, one more byte is refused at once") {
  Cluster cluster;  // rfc4106(gcm(aes)) with a 128-bit ICV over IPv4 leaves 1446 of 1500
  CHECK(cluster.ping("net", 1446).ok());
  const Result over = cluster.ping("net", 1447);
  CHECK_FALSE(over.ok());
  CAPTURE(over.output);
  CHECK(is_refused_for_its_size(over.output, 1446));
  cluster.check_body_arrives("net");
  CHECK(cluster.esp().first == 0);
  CHECK(cluster.esp().second <= kLongest);
  CHECK(cluster.esp().second + 4 > kLongest);  // ESP pads to four bytes: no space is unused

  CHECK(cluster.ping("worker", 1446).ok());  // a node's ICMP to another node's pod is ESP too
  CHECK_FALSE(cluster.ping("worker", 1447).ok());
  cluster.check_body_arrives("worker");
  CHECK(cluster.lab.cleartext().empty());
}

TEST_CASE("the seed's MTU of 1423 is kept where it is asked for") {
  Cluster cluster("pod-mtu = 1423\n");
  CHECK(cluster.ping("net", 1423).ok());
  CHECK(is_refused_for_its_size(cluster.ping("net", 1424).output, 1423));
  cluster.check_body_arrives("net");
  CHECK(cluster.esp().first == 0);
  CHECK(cluster.lab.cleartext().empty());
}

TEST_CASE("a pod that does not know the MTU is told it, and what may be cut is cut") {
  Cluster cluster;
  for (const char* pod : {"net", "cni-fcnh6"}) {
    const std::string gateway = pod == std::string("net") ? "10.0.1.138" : "10.0.0.40";
    must_in(pod, "ip route change default via " + gateway + " dev eth0");
  }
  const Result told = cluster.ping("net", 1500);
  CHECK_FALSE(told.ok());
  CHECK_THAT(told.output, Contains("mtu = 1446"));  // "Frag needed and DF set"
  CHECK(is_refused_for_its_size(cluster.ping("net", 1500).output, 1446));  // the pod remembers it
  CHECK(cluster.ping("net", 1446).ok());
  CHECK(cluster.esp().first == 0);
  cluster.check_body_arrives("net");

  must_in("net", "ip route flush cache");
  CHECK(cluster.ping("net", 1500, "dont").ok());
  CHECK(cluster.esp().first > 0);  // fragmented after encryption, reassembled before decryption
  CHECK(cluster.ping("net", 9000, "dont").ok());
  CHECK(cluster.esp().second <= kLongest);
  CHECK(cluster.lab.cleartext().empty());
}

}  // namespace this_file
