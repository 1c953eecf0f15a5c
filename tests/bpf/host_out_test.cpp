// pell_host_out: delivery to local pods; no clear text on the way to encryption.
#include "tests/bpf/programs.h"
#include "tests/harness/catch.h"

using namespace pellicle;
using namespace pellicle::datapath;

namespace {

constexpr const char* kProgram = "pell_host_out";
constexpr MacBytes kPod = {2, 1, 1, 1, 1, 1};
constexpr MacBytes kHost = {2, 2, 2, 2, 2, 2};
const Packet kEspOut{.src = "10.0.1.138", .dst = "10.0.0.40", .protocol = kEsp};

Programs with_pod() {
  Programs programs = configured();
  endpoint_value endpoint{.ifindex = 1};
  std::copy(kPod.begin(), kPod.end(), endpoint.pod_mac);
  std::copy(kHost.begin(), kHost.end(), endpoint.host_mac);
  programs.set_endpoint("10.0.1.52", endpoint);
  return programs;
}

void passes(const Programs& programs, const Bytes& bytes, uint32_t mark) {
  CHECK(programs.run(kProgram, bytes, mark) == Outcome{TC_ACT_OK, mark, bytes});
  CHECK(programs.drops().empty());
}

void is_dropped(const Programs& programs, const Bytes& bytes, drop_reason reason) {
  CHECK(programs.run(kProgram, bytes, 0x3e00).verdict == TC_ACT_SHOT);
  CHECK(programs.drops() == Drops{{reason, {1, bytes.size()}}});
}

}  // namespace

TEST_CASE("host out: a local pod's packet gets its addresses and goes to its device") {
  const Programs programs = with_pod();
  const uint32_t mark = GENERATE(0u, 0x4000u, 0x200u);
  const size_t payload = GENERATE(0u, 64u, 3000u);
  const Bytes bytes = frame({.src = "10.0.0.249", .dst = "10.0.1.52", .payload = payload});
  CHECK(programs.run(kProgram, bytes, mark) ==
        Outcome{TC_ACT_REDIRECT, mark, readdressed(bytes, kPod, kHost)});
  CHECK(programs.drops().empty());
}

TEST_CASE("host out: an address without a pod goes on to cilium_net") {
  const Programs programs = with_pod();
  passes(programs, frame({.dst = "10.0.1.53"}), 0);
  passes(programs, frame({.dst = "10.0.0.249"}), 0);
}

TEST_CASE("host out: ESP of ours passes") {
  const Programs programs = with_pod();
  passes(programs, frame(kEspOut), 0x3e00);
  passes(programs, frame(kEspOut), 0xfe00);
  passes(programs, frame(kEspOut), 0xe00);
}

TEST_CASE("host out: marked for encryption yet in the clear is dropped") {
  is_dropped(with_pod(), frame({}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.dst = "10.0.1.52"}), DROP_UNENCRYPTED);  // not even to a pod
  is_dropped(with_pod(), frame({.src = "10.0.1.52", .protocol = kEsp}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.src = "10.0.1.138", .protocol = 51}), DROP_UNENCRYPTED);
  is_dropped(with_pod(), without_options(kEspOut), DROP_UNENCRYPTED);
  is_dropped(with_pod(), frame({.ethertype = 0x86dd}), DROP_UNENCRYPTED);
}

TEST_CASE("host out: marked packets are dropped without configuration, pods still get theirs") {
  Programs programs;
  programs.set_endpoint("10.0.1.52", {.ifindex = 1});
  const Bytes to_pod = frame({.dst = "10.0.1.52"});
  CHECK(programs.run(kProgram, to_pod).verdict == TC_ACT_REDIRECT);
  is_dropped(programs, frame(kEspOut), DROP_NO_CONFIG);
}

TEST_CASE("host out: what cannot be read passes, cilium_net's side has no use for it") {
  const Programs programs = with_pod();
  passes(programs, frame({.dst = "10.0.1.52", .ethertype = 0x86dd}), 0);
  passes(programs, frame({.dst = "10.0.1.52", .ihl = 4}), 0);
  passes(programs, without_options({.dst = "10.0.1.52"}), 0);
}
