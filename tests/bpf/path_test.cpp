// Narrow paths: the programs report a router's ICMP message to the agent, and split IPv6's ESP into
// fragments.
#include <bpf/libbpf.h>

#include <cstring>
#include <memory>
#include <utility>

#include "tests/bpf/net.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kIcmpv6 = 58;
constexpr size_t kEthernet = 14;
constexpr size_t kIpv6Header = 40;
constexpr size_t kFragmentHeader = 8;

struct Word {
  std::string router = "172.18.0.1";
  std::string to = "10.0.1.138";
  uint8_t type = 3;
  uint8_t code = 4;
  uint16_t mtu = 1300;
  Packet quoted{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp, .payload = 1400};
  size_t quoted_bytes = 28;  // RFC 792: the IP header and 8 bytes
};

const Word kIpv6Word{
    .router = "fd00:172::1",
    .to = "fd00:10:1::8a",
    .type = 2,
    .code = 0,
    .quoted = {.src = "fd00:10:1::8a", .dst = "fd00:10::28", .protocol = kEsp, .payload = 1400},
    .quoted_bytes = 100};

Packet message(const Word& word, size_t payload) {
  const bool ipv4 = word.to.find(':') == std::string::npos;
  return {
      .src = word.router, .dst = word.to, .protocol = ipv4 ? kIcmp : kIcmpv6, .payload = payload};
}

// The ICMP message with its IP header.
Bytes said(const Word& word) {
  const Bytes quoted = cut(bare(word.quoted), word.quoted_bytes);
  Bytes whole = bare(message(word, 8 + quoted.size()));
  whole.resize(whole.size() - 8 - quoted.size());
  whole.insert(whole.end(), {word.type, word.code, 0, 0, 0, 0, static_cast<uint8_t>(word.mtu >> 8),
                             static_cast<uint8_t>(word.mtu)});
  whole.insert(whole.end(), quoted.begin(), quoted.end());
  return whole;
}

Bytes framed(const Word& word) {
  const Bytes bytes = said(word);
  Bytes whole = cut(frame(message(word, 0)), kEthernet);
  whole.insert(whole.end(), bytes.begin(), bytes.end());
  return whole;
}

class Reports {
 public:
  explicit Reports(const Programs& programs)
      : ring_(ring_buffer__new(bpf_object__find_map_fd_by_name(programs.object(), MAP_PATHS), keep,
                               &reports_, nullptr)) {
    REQUIRE(ring_);
  }
  std::vector<path_report> heard() {
    REQUIRE(ring_buffer__consume(ring_.get()) >= 0);
    return std::exchange(reports_, {});
  }

 private:
  static int keep(void* reports, void* record, size_t size) {
    path_report report{};
    REQUIRE(size == sizeof(report));
    std::memcpy(&report, record, size);
    static_cast<std::vector<path_report>*>(reports)->push_back(report);
    return 0;
  }
  struct Free {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  std::vector<path_report> reports_;
  std::unique_ptr<ring_buffer, Free> ring_;
};

bool same(const ip_address& value, const std::string& text) {
  const auto wanted = address(text);
  return std::memcmp(&value, &wanted, sizeof(value)) == 0;
}

uint16_t number_at(const Bytes& bytes, size_t at) {
  return static_cast<uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}

Bytes behind(const Bytes& bytes, size_t at) {
  return {bytes.begin() + static_cast<ptrdiff_t>(at), bytes.end()};
}

}  // namespace

TEST_CASE("path: a router's word about our ESP is handed on, and goes on to the stack") {
  const Programs programs = configured();
  Reports reports(programs);
  const Word word = GENERATE(Word{}, kIpv6Word);
  const bool ipv4 = word.type == 3;
  SECTION("on a device with an Ethernet header") {
    CHECK(programs.run("pell_uplink_in", framed(word)).verdict == TC_ACT_UNSPEC);
  }
  SECTION("on a device without one") {
    const Net net;
    const Tun tun("tun0");
    programs.attach("pell_l3_in", "tun0", true);
    tun.arrive(said(word));
  }
  const auto heard = reports.heard();
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].family == (ipv4 ? 2 : 10));
  CHECK(heard[0].mtu == 1300);
  CHECK(heard[0].spi == 0x00010203);
  CHECK(same(heard[0].router, word.router));
  CHECK(same(heard[0].peer, word.quoted.dst));
}

TEST_CASE("path: other words are nobody's business") {
  const Programs programs = configured();
  Reports reports(programs);
  const auto is_not_heard = [&](const Word& word) {
    CHECK(programs.run("pell_uplink_in", framed(word)).verdict == TC_ACT_UNSPEC);
    CHECK(reports.heard().empty());
  };
  const auto with = [](const Word& from, auto change) {
    Word word = from;
    change(word);
    return word;
  };
  for (const Word& word : {Word{}, kIpv6Word}) {
    is_not_heard(with(word, [](Word& w) { w.type = 11; }));
    is_not_heard(with(word, [](Word& w) { w.mtu = 0; }));
    is_not_heard(with(word, [](Word& w) { w.mtu = 1440; }));  // the quoted packet fits this MTU
    is_not_heard(with(word, [](Word& w) { w.quoted.protocol = 6; }));
    is_not_heard(with(word, [](Word& w) { w.quoted.src = w.quoted.dst; }));
    is_not_heard(with(word, [](Word& w) { w.quoted_bytes = 18; }));
  }
  is_not_heard(with(Word{}, [](Word& w) { w.code = 3; }));
  is_not_heard(with(Word{}, [](Word& w) { w.to = "10.0.1.52"; }));  // about a pod's own traffic
}

TEST_CASE("path: IPv6's ESP that is too long is sent in two fragments, which make up the whole") {
  const Net net;
  set_sysctl("net/ipv6/conf/all/disable_ipv6", "0");
  set_sysctl("net/ipv6/conf/all/forwarding", "1");
  ip6("address add fd00:172::3/64 dev eth0 nodad");
  ip6("route add fd00:10::/64 via fd00:172::4 dev eth0");
  ip6("neighbour add fd00:172::4 lladdr 02:00:00:00:00:04 dev eth0");
  Programs programs = configured(net.config());
  programs.set_peer("fd00:10::", 64, 3, false, 1300);
  programs.attach("pell_net_in", "cilium_net", true);
  const Tap host("cilium_host", 0x86dd);
  const Tap wire("wire", 0x86dd);
  const Packet esp{.src = "fd00:10:1::8a", .dst = "fd00:10::28", .protocol = kEsp, .payload = 1316};
  const Bytes whole = frame(esp);
  host.send(whole, 0x3e00);

  const auto one = wire.receive();
  const auto other = wire.receive();
  REQUIRE(one);
  REQUIRE(other);
  CHECK(wire.silent());
  const bool in_order = number_at(one->frame, kEthernet + kIpv6Header + 2) == 1;
  const Bytes& first = in_order ? one->frame : other->frame;
  const Bytes& rest = in_order ? other->frame : one->frame;
  for (const Bytes* piece : {&first, &rest}) {
    CHECK(piece->size() - kEthernet <= 1300);
    CHECK(piece->at(kEthernet + 6) == 44);
    CHECK(number_at(*piece, kEthernet + 4) + kIpv6Header + kEthernet == piece->size());
    CHECK(piece->at(kEthernet + kIpv6Header) == kEsp);
  }
  const size_t id = kEthernet + kIpv6Header + 4;
  CHECK(Bytes(first.begin() + id, first.begin() + id + 4) ==
        Bytes(rest.begin() + id, rest.begin() + id + 4));
  Bytes together = behind(first, kEthernet + kIpv6Header + kFragmentHeader);
  CHECK(number_at(first, kEthernet + kIpv6Header + 2) == 1);  // offset 0, more fragments
  CHECK(number_at(rest, kEthernet + kIpv6Header + 2) == together.size());
  const Bytes end = behind(rest, kEthernet + kIpv6Header + kFragmentHeader);
  together.insert(together.end(), end.begin(), end.end());
  CHECK(together == behind(whole, kEthernet + kIpv6Header));
  CHECK(programs.drops().empty());

  INFO("what fits goes as it is");
  host.send(
      frame({.src = "fd00:10:1::8a", .dst = "fd00:10::28", .protocol = kEsp, .payload = 1260}),
      0x3e00);
  const auto fits = wire.receive();
  REQUIRE(fits);
  CHECK(fits->frame.at(kEthernet + 6) == kEsp);
  CHECK(wire.silent());
}

}  // namespace this_file
