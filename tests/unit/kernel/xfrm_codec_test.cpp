#include <linux/xfrm.h>
#include <netinet/in.h>

#include <algorithm>

#include "agent/desired/desired.h"
#include "agent/kernel/xfrm_policy_codec.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using seed::cidr;
using seed::ip;

namespace {

SecretBytes secret(size_t size, uint8_t first) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(first + i);
  return SecretBytes(std::move(bytes));
}

const State::Key kKey{ip("10.0.0.40"), 3, encrypt_mark(3)};

State sending(Algorithm algorithm) {
  return {.src = ip("10.0.1.138"),
          .reqid = kReqId,
          .output_mark = kEncryptMark,
          .algorithm = std::move(algorithm)};
}

AuthEnc auth_enc(uint32_t truncation) {
  return {"hmac(sha256)", secret(32, 1), "cbc(aes)", secret(16, 101), truncation};
}

void require_round_trip(const State::Key& key, const State& value, uint64_t sent) {
  const auto message = encode_new_state(key, value, sent);
  const auto back = decode_state(message.get());
  REQUIRE(back);
  const bool same_key = back->key == key;
  CHECK(same_key);
  const bool same_value = back->value == value;
  CHECK(same_value);
  CHECK(back->sent == sent);
}

}  // namespace

TEST_CASE("a state comes back from its message: AEAD, marks, counter") {
  require_round_trip(kKey, sending(seed::gcm()), 0);
  require_round_trip(kKey, sending(seed::gcm()), 0xfffffffe);
  auto receiving = sending(seed::gcm());
  receiving.src = ip("0.0.0.0");
  receiving.output_mark = kDecryptMark;
  require_round_trip({ip("10.0.1.138"), 3, kDecryptMark}, receiving, 0);
}

TEST_CASE("a state comes back from its message: authentication with encryption") {
  require_round_trip(kKey, sending(auth_enc(0)), 7);
  require_round_trip(kKey, sending(auth_enc(128)), 7);
}

TEST_CASE("a truncation that is the kernel's default reads as the 0 that asked for it") {
  const auto state = decode_state(encode_new_state(kKey, sending(auth_enc(96)), 0).get());
  REQUIRE(state);
  REQUIRE(std::get<AuthEnc>(state->value.algorithm).truncation_bits == 0);
}

TEST_CASE("a state comes back from its message: ESN, wide windows, IPv6") {
  auto esn = sending(seed::gcm());
  esn.esn = true;
  esn.replay_window = 1024;
  require_round_trip(kKey, esn, 0x1234567890ULL);
  auto wide = sending(seed::gcm());
  wide.replay_window = 128;
  require_round_trip(kKey, wide, 5);
  auto narrow = sending(seed::gcm());
  narrow.replay_window = 32;
  require_round_trip(kKey, narrow, 5);
  auto six = sending(seed::gcm());
  six.src = ip("fd00::1");
  require_round_trip({ip("fd00::2"), 3, encrypt_mark(3)}, six, 0);
}

TEST_CASE(
    "a counter that would wrap without ESN stays at its end, where the kernel stops sending") {
  const auto state = decode_state(encode_new_state(kKey, sending(seed::gcm()), 1ULL << 33).get());
  REQUIRE(state);
  REQUIRE(state->sent == UINT32_MAX);
}

TEST_CASE("a key withheld by the kernel reads as zeros and equals the wanted one") {
  const auto withheld =
      sending(Aead{"rfc4106(gcm(aes))", SecretBytes(std::vector<uint8_t>(20)), 128});
  const auto state = decode_state(encode_new_state(kKey, withheld, 0).get());
  REQUIRE(state);
  const bool same = state->value == sending(seed::gcm());
  REQUIRE(same);
}

TEST_CASE("states no Pellicle made are not read: transport mode, AH, encryption alone, cut short") {
  auto message = encode_new_state(kKey, sending(seed::gcm()), 0);
  auto* info = static_cast<xfrm_usersa_info*>(nlmsg_data(&message.get()));
  REQUIRE(decode_state(message.get()));
  info->mode = XFRM_MODE_TRANSPORT;
  CHECK_FALSE(decode_state(message.get()));
  info->mode = XFRM_MODE_TUNNEL;
  info->id.proto = 51;
  CHECK_FALSE(decode_state(message.get()));
  info->id.proto = 50;
  const auto whole = message.get().nlmsg_len;
  for (uint32_t length = 0; length < whole; length += 4) {
    message.get().nlmsg_len = length;
    decode_state(message.get());  // must not read out of bounds: the sanitizer checks
  }
  message.get().nlmsg_len = nlmsg_size(sizeof(xfrm_usersa_info));
  CHECK_FALSE(decode_state(message.get()));
}

TEST_CASE("the kernel's placeholder is known by our mark and reqid and by having no algorithm") {
  NetlinkMessage placeholder(XFRM_MSG_NEWSA, 0);
  xfrm_usersa_info info{};
  info.id.proto = IPPROTO_ESP;
  info.reqid = kReqId;
  placeholder.header(info);
  placeholder.put(XFRMA_MARK, xfrm_mark{kKey.mark.value, kKey.mark.mask});
  CHECK(is_placeholder(placeholder.get(), kKey, kReqId));
  CHECK_FALSE(is_placeholder(placeholder.get(), kKey, 2));
  CHECK_FALSE(is_placeholder(placeholder.get(), {kKey.dst, 3, encrypt_mark(4)}, kReqId));
  const auto state = encode_new_state(kKey, sending(seed::gcm()), 0);
  CHECK_FALSE(is_placeholder(state.get(), kKey, kReqId));
  const auto pair = encode_new_state(kKey, sending(auth_enc(0)), 0);
  CHECK_FALSE(is_placeholder(pair.get(), kKey, kReqId));
}

TEST_CASE("a state's lifetimes are unlimited, so that it does not vanish by itself") {
  auto message = encode_new_state(kKey, sending(seed::gcm()), 0);
  const auto info = header_of<xfrm_usersa_info>(message.get());
  REQUIRE(info);
  CHECK(info->lft.hard_byte_limit == XFRM_INF);
  CHECK(info->lft.hard_packet_limit == XFRM_INF);
  CHECK(info->lft.hard_add_expires_seconds == 0);
}

TEST_CASE("every policy of the seed's worker comes back from its message") {
  const auto state = compute(seed::worker()).state;
  REQUIRE(state.policies.size() == 7);
  auto policies = state.policies;
  policies.insert(state.block_policies.begin(), state.block_policies.end());
  for (const auto& [key, value] : policies) {
    INFO(describe(key, value));
    auto message = encode_new_policy(key, value);
    const auto back = decode_policy(message.get());
    REQUIRE(back);
    CHECK(back->key == key);
    CHECK(back->value == value);
  }
}

TEST_CASE("policies no Pellicle made are not read") {
  const auto [key, value] = *compute(seed::worker()).state.policies.begin();
  auto message = encode_new_policy(key, value);
  auto* info = static_cast<xfrm_userpolicy_info*>(nlmsg_data(&message.get()));
  const auto refused = [&](auto change) {
    const auto before = *info;
    change(*info);
    const bool read = decode_policy(message.get()).has_value();
    *info = before;
    return !read;
  };
  REQUIRE(decode_policy(message.get()));
  CHECK(refused([](auto& policy) { policy.sel.proto = 6; }));
  CHECK(refused([](auto& policy) { policy.sel.dport_mask = 0xffff; }));
  CHECK(refused([](auto& policy) { policy.sel.ifindex = 2; }));
  CHECK(refused([](auto& policy) { policy.dir = 3; }));
  const auto whole = message.get().nlmsg_len;
  for (uint32_t length = 0; length < whole; length += 4) {
    message.get().nlmsg_len = length;
    decode_policy(message.get());
  }
  message.get().nlmsg_len = whole;
  message.put<uint32_t>(XFRMA_IF_ID, 5);
  CHECK_FALSE(decode_policy(message.get()));
}

}  // namespace this_file
