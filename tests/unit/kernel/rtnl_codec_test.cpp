#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "agent/desired/desired.h"
#include "agent/kernel/link_codec.h"
#include "agent/kernel/route_codec.h"
#include "agent/kernel/rule_codec.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using seed::cidr;
using seed::ip;

TEST_CASE("every route of the seed's worker comes back from its message") {
  const auto routes = compute(seed::worker()).state.routes;
  REQUIRE(routes.size() == 11);
  for (auto [key, value] : routes) {
    INFO(describe(key, value));
    const auto message = encode_route(RouteVerb::add, key, value, 42);
    const auto back = decode_route(message.get());
    REQUIRE(back);
    value.dev.clear();
    CHECK(back->key == key);
    CHECK(back->value == value);
    CHECK(back->dev == (value.type == RouteType::unreachable ? 0 : 42));
    CHECK(back->plain);
  }
}

TEST_CASE("an unreachable route comes back, also where IPv6 says that it is on lo") {
  const Route::Key key{214, cidr("fd00:10::/64"), 4096};
  const Route value{.type = RouteType::unreachable};
  auto message = encode_route(RouteVerb::add, key, value, 0);
  CHECK_FALSE(Attributes(message.get(), sizeof(rtmsg)).has(RTA_OIF));
  message.put<uint32_t>(RTA_OIF, 1);
  CHECK(decode_route(message.get()) == KernelRoute{key, value, 0, true});
}

TEST_CASE("a default route and a table above 255 come back from their messages") {
  const Route::Key key{1000, Cidr::any(Family::v4)};
  const Route value{.gateway = ip("172.18.0.1"), .protocol = 4};
  const auto back = decode_route(encode_route(RouteVerb::replace, key, value, 2).get());
  REQUIRE(back);
  CHECK(back->key == key);
  CHECK(back->value == value);
}

TEST_CASE("a gateway on the link comes back from its message, and one of the other family") {
  for (const char* dst : {"10.0.0.0/24", "fd00:10::/64"}) {
    const Route::Key key{254, cidr(dst)};
    const bool ipv4 = key.dst.family() == Family::v4;
    for (const bool onlink : {false, true}) {
      const Route value{.gateway = ip(ipv4 ? "172.31.1.1" : "fd00:172::1"), .onlink = onlink};
      const auto back = decode_route(encode_route(RouteVerb::add, key, value, 2).get());
      REQUIRE(back);
      CHECK(back->plain);
      CHECK(back->value == value);
    }
    const Route value{.gateway = ip("fe80::1")};
    const auto message = encode_route(RouteVerb::add, key, value, 2);
    CHECK(Attributes(message.get(), sizeof(rtmsg)).has(ipv4 ? RTA_VIA : RTA_GATEWAY));
    CHECK(decode_route(message.get())->value == value);
  }
}

TEST_CASE("the way to an address is asked for by both ends, and the answer is one hop") {
  const auto message = next_hop_request({ip("172.19.0.4"), ip("172.18.0.3")});
  const Attributes asked(message.get(), sizeof(rtmsg));
  CHECK(asked.address(RTA_DST, Family::v4) == ip("172.19.0.4"));
  CHECK(asked.address(RTA_SRC, Family::v4) == ip("172.18.0.3"));
  CHECK_FALSE(asked.has(RTA_MARK));
  const auto info = header_of<rtmsg>(message.get());
  CHECK((info->rtm_dst_len == 32 && info->rtm_src_len == 32));
  CHECK(header_of<rtmsg>(next_hop_request({ip("fd00::4"), std::nullopt}).get())->rtm_src_len == 0);

  const Route::Key key{254, cidr("172.19.0.4/32")};
  auto answer = encode_route(RouteVerb::add, key, {.gateway = ip("172.18.0.1")}, 7);
  static_cast<rtmsg*>(nlmsg_data(&answer.get()))->rtm_flags = RTM_F_CLONED;
  CHECK(decode_next_hop(answer.get()) == KernelNextHop{7, ip("172.18.0.1"), true});
  const auto own = encode_route(RouteVerb::add, key, {.type = RouteType::local}, 1);
  CHECK(decode_next_hop(own.get()) == KernelNextHop{1, std::nullopt, false});
}

TEST_CASE("a route that says more than the model can is not plain, a clone is no route") {
  const Route::Key key{254, cidr("10.0.0.0/24")};
  const Route value{.gateway = ip("172.18.0.4")};
  const auto with = [&](auto change) {
    auto message = encode_route(RouteVerb::add, key, value, 2);
    change(message);
    return decode_route(message.get());
  };
  const auto info = [](NetlinkMessage& message) {
    return static_cast<rtmsg*>(nlmsg_data(&message.get()));
  };
  CHECK_FALSE(with([](auto& m) { m.template put<uint32_t>(RTA_PRIORITY, 5); })->plain);
  CHECK_FALSE(with([](auto& m) { m.template put<uint32_t>(RTA_NH_ID, 5); })->plain);
  CHECK_FALSE(with([&](auto& m) { info(m)->rtm_tos = 8; })->plain);
  CHECK_FALSE(with([&](auto& m) { info(m)->rtm_type = RTN_BLACKHOLE; })->plain);
  CHECK_FALSE(with([&](auto& m) { info(m)->rtm_flags = RTM_F_CLONED; }));
}

TEST_CASE("rules come back from their messages") {
  const auto rules = compute(seed::worker()).state.rules;
  REQUIRE(rules.size() == 5);
  for (const auto& [key, value] : rules) {
    const auto back = decode_rule(encode_new_rule(key).get());
    REQUIRE(back);
    CHECK(back->key == key);
    CHECK(back->plain);
  }
  const Rule::Key own{
      .priority = 102, .table = 254, .protocol = 1, .dst = cidr("10.0.1.0/24"), .of_node = true};
  CHECK(decode_rule(encode_new_rule(own).get())->key == own);
  const Rule::Key local{.priority = 100, .table = 255};
  CHECK(decode_rule(encode_new_rule(local).get())->key == local);
}

TEST_CASE("a rule that selects by more than a mark is not plain") {
  const Rule::Key key{.priority = 1, .mark = kEncryptMark, .table = 200};
  const auto with = [&](auto change) {
    auto message = encode_new_rule(key);
    change(message);
    return decode_rule(message.get())->plain;
  };
  CHECK_FALSE(with([](auto& m) { m.put_text(FRA_IIFNAME, "eth0"); }));
  CHECK_FALSE(with([](auto& m) { m.template put<int32_t>(FRA_SUPPRESS_PREFIXLEN, 0); }));
  CHECK(with([](auto& m) { m.template put<int32_t>(FRA_SUPPRESS_PREFIXLEN, -1); }));
  CHECK_FALSE(with(
      [](auto& m) { static_cast<fib_rule_hdr*>(nlmsg_data(&m.get()))->flags = FIB_RULE_INVERT; }));
}

TEST_CASE("addresses come back from their messages, the kernel's own are told apart") {
  const Address value{32, true};
  const auto back = decode_address(encode_new_address(7, ip("10.0.1.138"), value).get());
  REQUIRE(back);
  CHECK(*back == LinkAddress{7, ip("10.0.1.138"), value, false});
  const Address universe{16, false};
  const auto wide = decode_address(encode_new_address(7, ip("172.18.0.3"), universe).get());
  CHECK(wide->value == universe);
  CHECK(wide->connected == cidr("172.18.0.0/16"));
  auto without = encode_new_address(7, ip("172.18.0.3"), universe);
  without.put<uint32_t>(IFA_FLAGS, IFA_F_NOPREFIXROUTE);
  CHECK(decode_address(without.get())->connected == std::nullopt);
  CHECK(decode_address(encode_new_address(7, ip("fe80::1"), {64, true}).get())->kernel_made);
}

TEST_CASE("a new pair names both ends, their MTU and flags, and leaves them down") {
  const auto message = encode_new_veth({"cilium_host"}, {"cilium_net", 1500, true, true});
  const auto link = decode_link(message.get());
  REQUIRE(link);
  CHECK(link->name == "cilium_host");
  CHECK(link->kind == "veth");
  CHECK(link->mtu == 1500);
  CHECK(link->flags == IFF_NOARP);
}

TEST_CASE("messages cut short are not read beyond their end") {
  auto link = encode_new_veth({"cilium_host"}, {"cilium_net", 1500, true, true});
  auto route = encode_route(RouteVerb::add, {254, cidr("10.0.0.0/24")}, {}, 2);
  auto rule = encode_new_rule({.priority = 1, .mark = kEncryptMark, .table = 200});
  auto address = encode_new_address(7, ip("10.0.1.138"), {});
  for (auto* message : {&link, &route, &rule, &address}) {
    const auto whole = message->get().nlmsg_len;
    for (uint32_t length = 0; length < whole; ++length) {
      message->get().nlmsg_len = length;
      decode_link(message->get());
      decode_route(message->get());
      decode_next_hop(message->get());
      decode_rule(message->get());
      decode_address(message->get());
    }
  }
  REQUIRE_FALSE(decode_link(link.get()) == std::nullopt);
}

}  // namespace this_file
