// States with one key per pair of nodes, on the real XFRM.
#include <linux/netlink.h>

#include "agent/kernel/netlink_socket.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "agent/keys/derive.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::ip;

namespace {

constexpr Epoch kOwn{.spi = 0x10a018a0};
constexpr Epoch kWorker2{.spi = 0x10000280, .generation = 4711};

AuthEnc cbc() {
  return {"hmac(sha256)", SecretBytes(std::vector<uint8_t>(32, 7)), "cbc(aes)",
          SecretBytes(std::vector<uint8_t>(16, 9)), 0};
}

// The seed's worker with a key per pair; control-plane has no announcement yet.
Inputs pair_inputs(LinuxKernel& kernel) {
  auto inputs = worker_inputs(kernel);
  inputs.key->per_pair = true;
  inputs.derive = derive_key;
  inputs.sender = {.boot_id = std::string(36, '1'), .epochs = {kOwn}, .settled = true};
  inputs.nodes["worker2"].boot_id = std::string(36, '2');
  inputs.nodes["worker2"].epochs = {kWorker2};
  return inputs;
}

std::vector<XfrmState> states() {
  return NetlinkSocket(NETLINK_XFRM).dump(state_dump(), decode_state);
}

}  // namespace

TEST_CASE("pair states land with ESN and a window of 1024, are quiet, and are found to be ours") {
  for (const bool aead : {true, false}) {
    const LinuxSite site;
    auto kernel = site.start_agent();
    auto inputs = pair_inputs(*kernel);
    if (!aead) inputs.key->algorithm = cbc();
    const auto desired = compute(inputs).state;
    REQUIRE(desired.states.size() == 2);
    require_pass(*kernel, desired);
    require_quiet(*kernel, desired);
    const auto listing = shell("ip -d xfrm state");
    CHECK_THAT(listing, Contains("spi 0x10a018a3") && Contains("spi 0x10000283") &&
                            Contains("replay_window 1024") && Contains("esn"));
    kernel = site.start_agent();
    require_quiet(*kernel, desired);
    CHECK(kernel->received() == std::map<uint8_t, uint64_t>{{3, 0}});
    require_pass(*kernel, {});
    CHECK(states().empty());
  }
}

TEST_CASE("both states of a rotation and both epochs of a sender stand beside one another") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = pair_inputs(*kernel);
  inputs.older_keys = {*inputs.key};
  inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(50), .per_pair = true};
  inputs.nodes["worker2"].epochs.push_back({.spi = 0x1abcdef0, .generation = 4712});
  const auto desired = compute(inputs).state;
  REQUIRE(desired.states.size() == 6);
  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
}

TEST_CASE("another key begins to count at zero, the same key never does") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = pair_inputs(*kernel);
  auto desired = compute(inputs).state;
  const State::Key out{ip("10.0.0.40"), 0x10a018a3, {}};
  REQUIRE(desired.states.contains(out));
  {
    NetlinkSocket socket(NETLINK_XFRM);
    REQUIRE(socket.request(encode_new_state(out, desired.states.at(out), 5ULL << 32)).ok());
  }
  require_pass(*kernel, desired);
  const auto sent = [&] {
    for (const auto& state : states()) {
      if (state.key == out) return state.sent;
    }
    return UINT64_MAX;
  };
  CHECK(sent() == 5ULL << 32);
  auto moved = desired;
  moved.states[out].output_mark = {0xe00, 0xf00};
  moved.states[out].replay_window = 512;
  require_pass(*kernel, moved);
  CHECK(sent() > 5ULL << 32);
  CHECK(sent() != UINT64_MAX);
  inputs.nodes["worker2"].boot_id = std::string(36, '3');
  require_pass(*kernel, compute(inputs).state);
  CHECK(sent() == 0);
}

}  // namespace this_file
