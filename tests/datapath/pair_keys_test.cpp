// Keys per pair of nodes: packets from a third node are rejected, replayed packets are dropped, and
// a node that loses its counters gets another key.
#include <linux/if_packet.h>
#include <net/ethernet.h>

#include <algorithm>

#include "tests/datapath/tcp_talk.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Json = nlohmann::ordered_json;

namespace {

const std::string kKeyHex = "000102030405060708090a0b0c0d0e0f10111213";
const std::string kPairKey = "3+ rfc4106(gcm(aes)) " + kKeyHex + " 128";
constexpr size_t kIp = 14;
constexpr size_t kEsp = kIp + 20;

struct Cluster {
  Lab lab{{.key_line = kPairKey}};
  Cluster() {
    lab.start_agents();
    lab.add_pod("worker", "net", "10.0.1.52");
    lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
    lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
    for (const char* address : {"10.0.0.249", "10.0.2.77"}) REQUIRE(lab.ping("net", address).ok());
    REQUIRE(lab.ping("cni-cp", "10.0.0.249").ok());
  }
};

uint64_t xfrm_count(const std::string& node, const std::string& name) {
  return std::stoull(must_in(node, "awk '$1 == \"" + name + "\" {print $2}' /proc/net/xfrm_stat"));
}

// The SPI that `node` announces, for key 3.
uint32_t announced_spi(Lab& lab, const std::string& node) {
  const auto object = lab.api().get(api::node_key(node)).value();
  const std::string epochs = object["metadata"]["annotations"]["pellicle.io/epochs"];
  return static_cast<uint32_t>(std::stoul(epochs.substr(0, epochs.find('/')), nullptr, 16)) | 3U;
}

void put(std::string& frame, size_t at, uint32_t word) {
  for (size_t i = 0; i < 4; ++i) frame.at(at + i) = static_cast<char>(word >> (24 - 8 * i));
}

void correct_checksum(std::string& frame) {
  frame.at(kIp + 10) = frame.at(kIp + 11) = 0;
  uint32_t sum = 0;
  for (size_t i = 0; i < 20; i += 2) {
    sum += static_cast<uint32_t>(static_cast<uint8_t>(frame[kIp + i]) << 8 |
                                 static_cast<uint8_t>(frame[kIp + i + 1]));
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  frame[kIp + 10] = static_cast<char>(~sum >> 8);
  frame[kIp + 11] = static_cast<char>(~sum);
}

// One whole ESP frame as the node sent it.
std::string sent_frame(Lab& lab, const std::string& node, const std::string& pod,
                       const std::string& to) {
  Capture& capture = lab.capture(node, "eth0", "esp");
  REQUIRE(lab.ping(pod, to).ok());
  for (const Packet& packet : capture.packets()) {
    if (packet.src == lab.network().node(node).router) return packet.frame;
  }
  FAIL("no ESP left " + node);
  return "";
}

void send_frame(const std::string& node, const std::string& frame) {
  bool sent = false;
  thread_in(node, [&] {
    const FileDescriptor raw(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
    sent = sendto(raw.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                  sizeof to) == static_cast<ssize_t>(frame.size());
  }).join();
  REQUIRE(sent);
}

// The number of ICMP packets that the pod received.
size_t pings_seen_by(const std::string& pod) {
  return std::stoul(must_in(pod, "awk '/^Icmp: [0-9]/ {print $2}' /proc/thread-self/net/snmp"));
}

}  // namespace

TEST_CASE("an ESP packet that comes again is dropped and counted") {
  Cluster cluster;
  const std::string frame = sent_frame(cluster.lab, "worker", "net", "10.0.0.249");
  const auto before = xfrm_count("worker2", "XfrmInStateSeqError");
  const auto pings = pings_seen_by("cni-fcnh6");
  for (int i = 0; i < 3; ++i) send_frame("worker", frame);
  CHECK(wait_until([&] { return xfrm_count("worker2", "XfrmInStateSeqError") == before + 3; }));
  CHECK(pings_seen_by("cni-fcnh6") == pings);
  CHECK(cluster.lab.ping("net", "10.0.0.249").ok());
}

TEST_CASE("a node that pretends to be another is not believed: its packet is dropped and counted") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  std::string frame = sent_frame(lab, "control-plane", "cni-cp", "10.0.0.249");
  put(frame, kIp + 12, lab.network().node("worker").router.v4_host_order());
  put(frame, kEsp, announced_spi(lab, "worker"));
  put(frame, kEsp + 4, 100000);  // a future sequence number
  correct_checksum(frame);
  const auto before = xfrm_count("worker2", "XfrmInStateProtoError");
  const auto pings = pings_seen_by("cni-fcnh6");
  send_frame("control-plane", frame);
  CHECK(wait_until([&] { return xfrm_count("worker2", "XfrmInStateProtoError") == before + 1; }));
  CHECK(pings_seen_by("cni-fcnh6") == pings);
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("every state has an SPI of its own, ESN and a window of 1024") {
  Cluster cluster;
  const std::string states = redacted(must_in("worker", "ip -d xfrm state"));
  CAPTURE(states);
  std::set<std::string> spis;
  size_t windows = 0;
  std::istringstream lines(states);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("proto esp spi 0x1") != line.npos) {
      spis.insert(line.substr(line.find("spi 0x1"), 14));
    }
    windows += line.find("replay_window 1024") != line.npos ? 1 : 0;
  }
  CHECK(spis.size() == 3);  // its own, and one for each peer
  CHECK(windows == 4);
}

TEST_CASE("a node that reboots gets other keys with every peer, and nobody else does") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  PingStream steady("net", "10.0.0.249");
  REQUIRE(steady.goes_on());
  const auto before = announced_spi(lab, "control-plane");
  lab.agent("control-plane").stop();
  lab.agent("control-plane").reboot();
  lab.start_agent("control-plane");
  CHECK(announced_spi(lab, "control-plane") != before);
  lab.add_pod("control-plane", "cni-new", "10.0.2.78");
  CHECK(lab.ping("cni-new", "10.0.0.249").ok());
  CHECK(lab.ping("net", "10.0.2.78").ok());
  CHECK(steady.end() == "");
  CHECK(lab.cleartext().empty());
}

TEST_CASE("states that somebody flushed come back with other keys, whether an agent runs or not") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  auto spi = announced_spi(lab, "worker");
  for (const bool running : {true, false}) {
    CAPTURE(running);
    if (!running) lab.agent("worker").stop();
    must_in("worker", "ip xfrm state flush");
    if (!running) lab.start_agent("worker");
    CHECK(wait_until([&] { return announced_spi(lab, "worker") != spi; }, 20s));
    CHECK(wait_until([&] { return lab.ping("net", "10.0.0.249").ok(); }, 20s));
    CHECK(wait_until([&] { return lab.ping("cni-cp", "10.0.1.52").ok(); }, 20s));
    spi = announced_spi(lab, "worker");
  }
  for (const auto& [tunnel, numbers] : esp_numbers(lab.network().wire())) {
    for (const auto& [number, seen] : numbers) CHECK(seen <= 2);
  }
  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(lab.cleartext().empty());
}

namespace {

// The key that openssl derives from the Secret's key for one direction; addresses in hexadecimal.
std::string derived(const std::string& src, const std::string& dst, const std::string& src_boot,
                    const std::string& dst_boot, uint64_t generation) {
  char last[17];
  std::snprintf(last, sizeof last, "%016lx", static_cast<unsigned long>(generation));
  const auto bytes = [](const std::string& hex) {
    return "perl -e 'print pack(\"H*\", shift)' '" + hex + "'; ";
  };
  return must("{ " + bytes(kKeyHex + src + dst) + "printf %s " + src_boot + dst_boot + "; " +
              bytes(generation ? last : "") +
              "} | openssl dgst -sha256 -r | cut -c 1-40 | tr -d '\\n'");
}

std::string hex(uint32_t number) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%x", number);
  return text;
}

// Programs a node with `ip`: no agent and no eBPF. Its "pod" is 10.0.3.99.
void program_by_hand(const std::string& out_key, uint32_t out_spi, const std::string& in_key,
                     uint32_t in_spi, const std::string& more) {
  const std::string aead = " aead 'rfc4106(gcm(aes))' 0x";
  const std::string tunnel = " proto esp reqid 1 mode tunnel";
  const auto state = [&](const std::string& ends, uint32_t spi, const std::string& key) {
    must_in("worker3", "ip xfrm state add " + ends + " proto esp spi " + hex(spi) +
                           " reqid 1 mode tunnel" + more + aead + key + " 128");
  };
  must_in("worker3",
          "ip addr add 10.0.3.17/32 dev lo && ip addr add 10.0.3.99/32 dev lo && "
          "ip route add 10.0.1.0/24 via 172.18.0.3 src 10.0.3.99");
  const std::string out = "src 10.0.3.17 dst 10.0.1.138";
  const std::string in = "src 10.0.1.138 dst 10.0.3.17";
  state(out, out_spi, out_key);
  state(in, in_spi, in_key);
  must_in("worker3",
          "ip xfrm policy add src 10.0.3.0/24 dst 10.0.1.0/24 dir out tmpl " + out + tunnel);
  must_in("worker3",
          "ip xfrm policy add src 10.0.1.0/24 dst 10.0.3.0/24 dir in tmpl " + in + tunnel);
}

// Until a node knows 10.0.3.0/24, it treats it like any network outside the cluster.
bool knows_worker3(const std::string& node) {
  return wait_until([&] { return !must_in(node, "ip route show table 200 10.0.3.0/24").empty(); });
}

}  // namespace

TEST_CASE("a node programmed by hand with openssl's keys and the announced SPI is talked to") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  lab.add_node(fourth_node());
  const std::string boot = "44444444-4444-4444-4444-444444444444";
  const auto worker = lab.api().get(api::node_key("worker")).value()["metadata"]["annotations"];
  const std::string worker_boot = worker["pellicle.io/boot-id"];
  const std::string epochs = worker["pellicle.io/epochs"];
  const uint64_t generation = std::stoull(epochs.substr(epochs.find('/') + 1));
  program_by_hand(derived("0a000311", "0a00018a", boot, worker_boot, 7), 0x1abcde03,
                  derived("0a00018a", "0a000311", worker_boot, boot, generation),
                  announced_spi(lab, "worker"), " replay-window 128 flag esn");
  lab.api().patch(api::node_key("worker3"), {{"metadata",
                                              {{"annotations",
                                                {{"pellicle.io/boot-id", boot},
                                                 {"pellicle.io/epochs", "0x1abcde00/7"},
                                                 {"network.cilium.io/encryption-key", "3"}}}}}});
  REQUIRE(knows_worker3("worker"));
  CHECK(wait_until([&] { return lab.ping("net", "10.0.3.99").ok(); }, 20s));
  CHECK(sh_in("worker3", "ping -c 3 -W 2 -i 0.2 -I 10.0.3.99 10.0.1.52").ok());
  CHECK(lab.cleartext().empty());
}

TEST_CASE("a node programmed by hand as Cilium 1.13 does it is talked to under the plain key") {
  Lab lab{{.key_line = "3 rfc4106(gcm(aes)) " + kKeyHex + " 128"}};
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_node(fourth_node());
  program_by_hand(kKeyHex, 3, kKeyHex, 3, " replay-window 0");
  lab.api().patch(api::node_key("worker3"),
                  {{"metadata", {{"annotations", {{"network.cilium.io/encryption-key", "3"}}}}}});
  REQUIRE(knows_worker3("worker"));
  CHECK(wait_until([&] { return lab.ping("net", "10.0.3.99").ok(); }, 20s));
  CHECK(sh_in("worker3", "ping -c 3 -W 2 -i 0.2 -I 10.0.3.99 10.0.1.52").ok());
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
