// Spoofing: hand-made packets from a pod, a host on the wire and a compromised node, to a pod of
// the node, a remote one, a Service and nodes. The rows are the cells; each case is one form of the
// key, with host encryption or without.
#include "tests/datapath/names.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

constexpr uint8_t kAuthentication = 51;
constexpr uint16_t kServicePort = 80;

// A packet with a text that identifies it.
pellicle::Packet packet_of(const std::string& source, const std::string& to, uint16_t port,
                           const std::string& text) {
  static uint16_t client = 20000;
  if (port == 0) return with_text(source, to, text);
  return syn_with_text(source, to, ++client, port, text);
}

void pod_speaks_in_others_names(Names& names, DropMonitor& monitor) {
  const RawPod pod(names.lab, "net");
  const uint64_t before = names.drops("worker", "forged");
  const std::string text = "forged by a pod";
  uint64_t sent = 0;
  for (const Name& name :
       {kLocalPod, kRemotePod, kOwnNode, kOtherNode, kHostDevice, kWorld, kNowhere}) {
    for (const Name& to : {kLocalPod, kRemotePod, kService, kOwnNode, kOtherNode}) {
      for (const Family family : kFamilies) {
        for (const uint8_t protocol : {uint8_t{IPPROTO_UDP}, kEsp, kAuthentication})
          pod.send(with_text(name.in(family), to.in(family), text, protocol));
        pod.send(packet_of(name.in(family), to.in(family), kServicePort, text));
        sent += 4;
      }
    }
  }
  // With its own addresses everything arrives, ESP too: sent after the last forged packet.
  for (const Name& to : {kLocalPod, kRemotePod}) {
    pod.send(with_text(kSelf.v4, to.v4, "in its own name", kEsp));
    pod.send(with_text(kSelf.v6, to.v6, "in its own name"));
  }
  for (const char* other : {"cni-s22px", "cni-fcnh6"}) {
    CAPTURE(other);
    CHECK(wait_until([&] { return names.arrived(other, "in its own name") == 2; }));
  }
  CHECK(names.where(text) == "");
  CHECK(names.drops("worker", "forged") == before + sent);
  CHECK(packets_with(names.lab.network().wire(), text).empty());
  CHECK(monitor.shows("10.0.1.103"));
  CHECK(monitor.shows("forged"));
}

// Packets from a host on the wire to worker's device: dropped always, dropped only with host
// encryption, or never dropped because this source may send them in the clear.
enum class Refused { always, with_host_encryption, never };
struct InTheClear {
  Name source;
  Name to;
  uint16_t port;  // of TCP; 0: UDP
  Refused refused;
  bool for_pods = true;  // the final destination is a pod
};
const InTheClear kInTheClear[] = {
    {kRemotePod, kSelf, 0, Refused::always},
    {kThirdPod, kSelf, 0, Refused::always},
    {kLocalPod, kSelf, 0, Refused::always},
    {kOtherNode, kSelf, 0, Refused::with_host_encryption},
    {kWorld, kSelf, 0, Refused::never},
    {kRouter, kSelf, 0, Refused::never},
    {kRemotePod, kOwnNode, 0, Refused::with_host_encryption, false},
    {kLocalPod, kOwnNode, 0, Refused::always, false},
    {kOtherNode, kOwnNode, 0, Refused::never, false},
    {kRemotePod, kOwnNode, kNodePort, Refused::with_host_encryption},
    {kLocalPod, kOwnNode, kNodePort, Refused::always},
    {kOtherNode, kOwnNode, kNodePort, Refused::never},
    {kRouter, kOwnNode, kNodePort, Refused::never},
    {kRemotePod, kService, kServicePort, Refused::always},
    {kLocalPod, kService, kServicePort, Refused::always},
    {kOtherNode, kService, kServicePort, Refused::with_host_encryption},
    {kRouter, kService, kServicePort, Refused::never}};

void host_on_the_wire_speaks_in_others_names(Names& names, const NamesForm& form,
                                             DropMonitor& monitor) {
  const RawDevice wire("", "kind");
  const auto worker = mac_bytes(docker_mac(names.lab.network().node("worker").address));
  uint64_t expected = names.drops("worker", "clear_text");
  for (const InTheClear& row : kInTheClear) {
    const bool refused = row.refused == Refused::always ||
                         (row.refused == Refused::with_host_encryption && form.host_encryption);
    for (const Family family : kFamilies) {
      CAPTURE(row.source.what, row.to.what, row.port, refused, family == Family::v6);
      static int number = 0;
      const std::string text = "sent on the wire " + std::to_string(++number) + ";";
      auto packet = packet_of(row.source.in(family), row.to.in(family), row.port, text);
      packet.to = worker;
      wire.send(frame(packet));
      if (!refused && row.for_pods) CHECK(wait_until([&] { return !names.where(text).empty(); }));
      if (refused) ++expected;
      REQUIRE(wait_until([&] { return names.drops("worker", "clear_text") == expected; }));
      if (refused) CHECK(names.where(text) == "");
    }
  }
  CHECK_THAT(names.worker_says("Node worker2 clear text since"),
             Contains("packets with its addresses arrive in the clear and are dropped"));
  CHECK(monitor.shows("clear_text"));
}

// Makes worker2's own packets to these addresses of worker ESP, without its own NAT: root on a
// compromised node can do anything.
void send_inside_esp() {
  for (const Name& to : {kSelf, kService, kOwnNode}) {
    for (const Family family : kFamilies) {
      const bool v4 = family == Family::v4;
      const std::string address = std::string(to.in(family)) + (v4 ? "/32" : "/128");
      must_in("worker2", std::string("ip xfrm policy add src ") + (v4 ? "0.0.0.0/0" : "::/0") +
                             " dst " + address + " dir out priority 1 tmpl src " +
                             (v4 ? "10.0.0.40" : "fd00:10::28") + " dst " + kHostDevice.in(family) +
                             " proto esp reqid 1 mode tunnel");
      must_in("worker2", (v4 ? iptables() : ip6tables()) + " -t raw -I OUTPUT -d " + address +
                             " -j CT --notrack");
    }
  }
}

void stolen_node_speaks_in_others_names(Names& names, const NamesForm& form, DropMonitor& monitor) {
  struct InsideEsp {
    Name source;
    bool known_with_one_key;  // as a source that is not worker2's
  };
  const uint32_t mark = form.one_key ? 0x3e00 : 0;  // its policies and states match it
  std::vector<Name> targets = {kSelf};
  if (!form.one_key) {
    send_inside_esp();
    targets.insert(targets.end(), {kService, kOwnNode});
  }
  uint64_t expected = names.drops("worker", "forged_node");
  for (const InsideEsp& row : {InsideEsp{kThirdPod, false},
                               {kThirdNode, false},
                               {kLocalPod, true},
                               {kOwnNode, true},
                               {kHostDevice, true}}) {
    const bool refused = !form.one_key || row.known_with_one_key;
    for (const Name& to : targets) {
      for (const Family family : kFamilies) {
        CAPTURE(row.source.what, to.what, family == Family::v6, refused);
        static int number = 0;
        const std::string text = "sent by a node " + std::to_string(++number) + ";";
        send_from_node("worker2", with_text(row.source.in(family), to.in(family), text), mark);
        if (refused) ++expected;
        REQUIRE(wait_until([&] { return names.drops("worker", "forged_node") == expected; }));
        if (!refused && std::string(to.what) == kSelf.what)
          CHECK(wait_until([&] { return names.arrived("net", text) == 1; }));
        if (refused) CHECK(names.where(text) == "");
      }
    }
  }
  const std::string own = "by the node itself";
  send_from_node("worker2", with_text(kRemotePod.v4, kSelf.v4, own), mark);
  send_from_node("worker2", with_text(kRemotePod.v6, kSelf.v6, own), mark);
  send_from_node("worker2", with_text(kOtherNode.v4, kSelf.v4, own), mark);
  CHECK(wait_until([&] { return names.arrived("net", own) == 3; }));
  CHECK(names.drops("worker", "forged_node") == expected);
  CHECK(monitor.shows("forged_node"));
  const auto metrics = sh_in("worker", "curl --silent http://127.0.0.1:9879/metrics").output;
  if (form.one_key) {
    CHECK_THAT(names.worker_says("Node worker forgery since"),
               Contains("one key for all nodes does not tell whose ESP it is"));
    CHECK_THAT(metrics, Contains("pellicle_forged_packets_total{kind=\"in_esp\",sender=\"\","
                                 "owner=\"worker\"} 6"));
  } else {
    CHECK_THAT(names.worker_says("Node worker2 forgery since"),
               Contains("sends packets with addresses of Node control-plane inside its ESP"));
    CHECK_THAT(metrics, Contains("pellicle_forged_packets_total{kind=\"in_esp\",sender="
                                 "\"worker2\",owner=\"control-plane\"} 12"));
  }
}

void check_names(const NamesForm& form) {
  Names names(form);
  DropMonitor monitor(names.lab, "worker");
  pod_speaks_in_others_names(names, monitor);
  host_on_the_wire_speaks_in_others_names(names, form, monitor);
  // With one key a node's own policies and states match a mark; without host encryption they cover
  // only its pods' packets. tests/bpf/owner_test.cpp covers decrypted packets for that case.
  if (!form.one_key || form.host_encryption)
    stolen_node_speaks_in_others_names(names, form, monitor);
  // Only the hand-made packets are in the clear.
  const auto cleartext = names.lab.cleartext();
  CHECK(cleartext.size() == packets_with(cleartext, "sent on the wire").size());
  CHECK(names.lab.files_with_the_key().empty());
}

}  // namespace

TEST_CASE("each speaks in its own name: a key for each pair") {
  check_names({});
}

TEST_CASE("each speaks in its own name: a key for each pair, host encryption") {
  check_names({.host_encryption = true});
}

TEST_CASE("each speaks in its own name: one key for all") {
  check_names({.one_key = true});
}

TEST_CASE("each speaks in its own name: one key for all, host encryption") {
  check_names({.one_key = true, .host_encryption = true});
}

}  // namespace this_file
