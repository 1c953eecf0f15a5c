// Runs every program over generated frames and compares the outcome with a reference decision. The
// reference knows how the frame was made and reads none of its bytes.
#include <random>
#include <set>

#include "tests/bpf/programs.h"
#include "tests/bpf/reference.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

struct Place {
  Is is;
  const char* v4;
  const char* v6;
};
constexpr Place kPlaces[] = {
    {Is::pod, "10.0.1.52", "fd00:10:1::34"},    {Is::router, "10.0.1.138", "fd00:10:1::8a"},
    {Is::peer, "10.0.0.249", "fd00:10::f9"},    {Is::peer_without_key, "10.0.2.1", "fd00:10:2::1"},
    {Is::node, "172.18.0.4", "fd00:172::4"},    {Is::elsewhere, "10.77.0.1", "fd00:10:77::1"},
    {Is::elsewhere, "1.1.1.1", "2001:db8::1"},  {Is::on_link, "224.0.0.1", "ff02::1"},
    {Is::on_link, "255.255.255.255", "fe80::1"}};

const endpoint_value kPod{
    .ifindex = 1, .pod_mac = {2, 1, 1, 1, 1, 1}, .host_mac = {2, 2, 2, 2, 2, 2}};

struct Program {
  const char* name;
  Expected (Reference::*decides)(const Generated&, uint32_t) const;
};
constexpr Program kPrograms[] = {{"pell_lxc_in", &Reference::lxc_in},
                                 {"pell_uplink_out", &Reference::uplink_out},
                                 {"pell_uplink_in", &Reference::uplink_in},
                                 {"pell_host_out", &Reference::host_out},
                                 {"pell_net_in", &Reference::net_in}};
// Each value of the mark field, alone and with other bits around it.
constexpr uint32_t kMarks[] = {0,     0x3e00, 0xfe00, 0xe00, 0xd00,       0x200,
                               0x100, 0x4000, 0xf00,  0xc00, 0xdead'beef, 0xffff'fdff};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  template <class T, size_t N>
  const T& one_of(const T (&all)[N]) {
    return all[below(N)];
  }
  size_t below(size_t end) { return random_() % end; }
  bool one_in(size_t times) { return below(times) == 0; }

  Generated packet() {
    Generated made{.ipv6 = one_in(2)};
    const auto& from = one_of(kPlaces);
    const auto& to = one_of(kPlaces);
    made.from = from.is;
    made.to = to.is;
    auto& packet = made.packet;
    packet.src = made.ipv6 ? from.v6 : from.v4;
    packet.dst = made.ipv6 ? to.v6 : to.v4;
    packet.protocol = one_of<uint8_t>({kEsp, kEsp, 17, 6, 1, 58, 59});
    packet.payload = below(70);
    if (one_in(16)) packet.to = kOther;
    if (one_in(16)) packet.to = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (one_in(16)) packet.version = one_of<uint8_t>({1, 5, 7, 15});
    if (one_in(16)) packet.tags.assign(1 + below(2), 7);
    if (one_in(16)) packet.ethertype = one_of<uint16_t>({0x0806, 0x05dc, 0xffff, 0x8847});
    if (one_in(32)) packet.ethertype = made.ipv6 ? 0x0800 : 0x86dd;
    if (made.ipv6) {
      add_headers(packet);
    } else {
      packet.ihl = one_of<uint8_t>({5, 5, 5, 6, 15, 4, 0});
      packet.fragment = one_of<uint16_t>({0, 0, 0x4000, 0x2000, 0x2001, 0x00b9});
    }
    const auto whole = frame(packet).size();
    made.size = one_in(2) ? whole : kEthernet + below(whole - kEthernet + 1);
    return made;
  }

 private:
  void add_headers(Packet& packet) {
    for (size_t count = one_in(2) ? below(9) : 0; count > 0; --count) {
      Header header{.type = one_of<uint8_t>({0, 43, 44, 60})};
      if (header.type == 44) {
        header.fragment = one_of<uint16_t>({0, 1, 8, 0x5a9});
      } else {
        header.words = one_of<uint8_t>({0, 0, 1, 3});
      }
      packet.headers.push_back(header);
    }
  }

  std::mt19937 random_;
};

Bytes frame_after(const Expected& expected, const Bytes& before) {
  if (!expected.readdressed) return before;
  MacBytes to;
  MacBytes from;
  std::copy_n(kPod.pod_mac, to.size(), to.begin());
  std::copy_n(kPod.host_mac, from.size(), from.begin());
  return readdressed(before, to, from);
}

bool agrees(const Expected& expected, const Bytes& before, const Outcome& outcome) {
  if (expected.verdict != outcome.verdict) return false;
  return expected.reason ||
         (expected.mark == outcome.mark && frame_after(expected, before) == outcome.frame);
}

class Comparison {
 public:
  explicit Comparison(bool host_encryption) : reference_{host_encryption} {
    auto config = worker();
    config.host_encryption = host_encryption ? 1 : 0;
    programs_.configure(config);
    for (const char* pod : {kPlaces[0].v4, kPlaces[0].v6}) programs_.set_endpoint(pod, kPod);
    const auto own = [&](const char* address, uint32_t length, const char* router) {
      programs_.set_owner(address, length, router, CLEAR_IS_DROPPED, CLEAR_IS_DROPPED);
    };
    own("10.0.1.0", 24, "10.0.1.138");
    own("10.0.0.0", 24, "10.0.0.40");
    own("172.18.0.4", 32, "10.0.0.40");
    own("fd00:10:1::", 64, "fd00:10:1::8a");
    own("fd00:10::", 64, "fd00:10::28");
    own("fd00:172::4", 128, "fd00:10::28");
    if (!host_encryption) return;
    programs_.set_peer("172.18.0.4", 32, 3, true);
    programs_.set_peer("fd00:172::4", 128, 3, true);
  }

  void run(const Generated& sent, uint32_t mark) {
    const auto bytes = sent.bytes();
    for (const auto& program : kPrograms) {
      const auto outcome = programs_.try_run(program.name, bytes, mark);
      if (!outcome) return;  // BPF_PROG_TEST_RUN itself refuses so short a frame
      ++runs_;
      const auto expected = (reference_.*program.decides)(sent, mark);
      if (expected.reason) {
        reasons_[program.name].insert(*expected.reason);
        drops_[*expected.reason].packets += 1;
        drops_[*expected.reason].bytes += bytes.size();
      }
      if (agrees(expected, bytes, *outcome)) continue;
      FAIL(program.name << " with mark 0x" << std::hex << mark << ", " << std::dec << bytes.size()
                        << " bytes from " << sent.packet.src << " to " << sent.packet.dst
                        << ": expected verdict " << expected.verdict << " mark 0x" << std::hex
                        << expected.mark << ", came: " << *outcome << " from "
                        << Outcome{0, mark, bytes});
    }
  }

  // Each drop is counted once, with its bytes, under its reason. Every program has dropped for each
  // of its reasons.
  void check_counters() const {
    CHECK(programs_.drops() == drops_);
    CHECK(reasons_ == std::map<std::string, std::set<drop_reason>>{
                          {"pell_lxc_in", {DROP_NO_KEY, DROP_MALFORMED, DROP_TAGGED, DROP_FORGED}},
                          {"pell_uplink_out", {DROP_NO_KEY, DROP_UNENCRYPTED, DROP_NO_ROUTE}},
                          {"pell_uplink_in", {DROP_FORGED_NODE, DROP_CLEAR_TEXT}},
                          {"pell_host_out", {DROP_NO_KEY, DROP_UNENCRYPTED, DROP_NO_ROUTE}},
                          {"pell_net_in", {DROP_NO_KEY, DROP_NO_ENDPOINT, DROP_NO_ROUTE}}});
    CHECK(runs_ > 10'000);
  }

 private:
  Reference reference_;
  Programs programs_ = configured();
  Drops drops_;
  std::map<std::string, std::set<drop_reason>> reasons_;
  size_t runs_ = 0;
};

}  // namespace

TEST_CASE("generated frames: each program does what the contract says, and nothing else") {
  const bool host_encryption = GENERATE(false, true);
  const uint32_t seed = 20261126;
  CAPTURE(host_encryption, seed);
  Comparison comparison(host_encryption);
  Generator generate(seed);
  for (size_t i = 0; i < 6000; ++i) comparison.run(generate.packet(), generate.one_of(kMarks));
  // Frames cut to every length, for the critical cases: a pod's clear text and the router's ESP.
  for (const bool ipv6 : {false, true}) {
    for (const size_t from : {0, 1}) {
      Generated sent{.ipv6 = ipv6, .from = kPlaces[from].is};
      sent.packet.src = ipv6 ? kPlaces[from].v6 : kPlaces[from].v4;
      sent.packet.dst = ipv6 ? kPlaces[2].v6 : kPlaces[2].v4;
      sent.packet.protocol = from == 0 ? 17 : kEsp;
      if (ipv6) sent.packet.headers = {{.type = 60}};
      for (sent.size = kEthernet; sent.size <= frame(sent.packet).size(); ++sent.size) {
        for (const uint32_t mark : kMarks) comparison.run(sent, mark);
      }
    }
  }
  comparison.check_counters();
}

}  // namespace this_file
