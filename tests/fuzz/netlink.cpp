// A sequence of rtnetlink, XFRM and nf_tables messages from the kernel.
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include <cstring>
#include <vector>

#include "agent/kernel/announcements.h"
#include "agent/kernel/link_codec.h"
#include "agent/kernel/nft_rule_decode.h"
#include "agent/kernel/nft_rule_encode.h"
#include "agent/kernel/nft_wire.h"
#include "agent/kernel/route_codec.h"
#include "agent/kernel/rule_codec.h"
#include "agent/kernel/xfrm_policy_codec.h"
#include "agent/kernel/xfrm_state_codec.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

// Only our own states are ever written again: their values fit our messages, and an output mark has
// a mask. (The kernel, 6.1, reports a mark and its mask together.)
bool is_writable(const State& state) {
  return key_bytes(state.algorithm) <= 2 * size_t{64} && state.replay_window <= 4096 &&
         algorithm_name(state.algorithm).size() < 64 &&
         (state.output_mark.mask != 0 || state.output_mark.value == 0);
}

void check_state(const nlmsghdr& message) {
  const auto state = decode_state(message);
  (void)is_placeholder(message, state ? state->key : State::Key{}, 1);
  if (!state) return;
  expect(key_bytes(state->value.algorithm) <= message.nlmsg_len, "a key is what the message has");
  (void)describe(state->key, state->value);
  if (!is_writable(state->value)) return;
  // A state comes back equal: the small counter has 32 bits, and omitted truncation lengths are the
  // default.
  const auto written = encode_new_state(state->key, state->value, state->sent);
  const auto back = decode_state(written.get());
  expect(back.has_value(), "a state that was read can be written");
  expect(back->key == state->key, "a state's key comes back");
  expect(back->value == state->value, "a state comes back");
}

void check_policy(const nlmsghdr& message) {
  const auto policy = decode_policy(message);
  if (!policy) return;
  (void)describe(policy->key, policy->value);
  const auto written = encode_new_policy(policy->key, policy->value);
  expect(decode_policy(written.get()) == policy, "a policy comes back");
}

void check_route(const nlmsghdr& message) {
  const auto route = decode_route(message);
  if (!route) return;
  (void)describe(route->key, route->value);
  if (!route->plain) return;
  const auto written = encode_route(RouteVerb::add, route->key, route->value, route->dev);
  expect(decode_route(written.get()) == route, "a plain route comes back");
}

void check_rule(const nlmsghdr& message) {
  const auto rule = decode_rule(message);
  if (!rule) return;
  (void)describe(rule->key, Rule{});
  if (!rule->plain || (rule->key.mark.mask == 0 && rule->key.mark.value != 0)) return;
  const auto written = encode_new_rule(rule->key);
  expect(decode_rule(written.get()) == rule, "a plain rule comes back");
}

void check_link(const nlmsghdr& message) {
  if (const auto link = decode_link(message)) {
    expect(link->name.size() + link->kind.size() <= message.nlmsg_len, "names are in the message");
    expect(link->name.find('\0') == std::string::npos, "a name ends where the kernel's does");
  }
  const auto address = decode_address(message);
  if (!address) return;
  const auto written = encode_new_address(address->index, address->address, address->value);
  const auto back = decode_address(written.get());
  expect(back && back->address == address->address && back->value == address->value,
         "an address comes back");
}

// Most texts are of no form of ours.
void check_netfilter_rule(const nlmsghdr& message) {
  for (const Family family : kFamilies) {
    const auto text = decode_nft_rule(message, family);
    auto written = nft_message(NFT_MSG_NEWRULE, 0, family, kRuleRoom);
    if (!encode_nft_rule(written, family, text)) continue;
    expect(text.find('?') == std::string::npos, "what is not known is not written");
    expect(decode_nft_rule(written.get(), family) == text, "a rule that can be written comes back");
  }
}

void check(const nlmsghdr& message) {
  check_netfilter_rule(message);
  check_state(message);
  check_policy(message);
  check_route(message);
  check_rule(message);
  check_link(message);
}

}  // namespace

// The first message is as long as the input; later ones may have a wrong length.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < sizeof(nlmsghdr)) return 0;
  std::vector<uint8_t> bytes(data, data + size);
  const auto changes = [&](int protocol, uint32_t own) {
    return changes_in(protocol, bytes, [own](uint32_t port) { return port == own; });
  };
  for (const int protocol : {NETLINK_ROUTE, NETLINK_XFRM}) {
    for (const auto& change : changes(protocol, 0)) expect_one_line(change);
  }
  auto left = static_cast<int>(size);
  for (auto* at = reinterpret_cast<nlmsghdr*>(bytes.data()); nlmsg_ok(at, left);
       at = nlmsg_next(at, &left)) {
    check(*at);
  }
  auto* whole = reinterpret_cast<nlmsghdr*>(bytes.data());
  whole->nlmsg_len = static_cast<uint32_t>(size);
  check(*whole);
  return 0;
}
