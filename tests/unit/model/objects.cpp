#include "agent/model/objects.h"

#include <map>

#include "agent/model/kernel_state.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::this_file {

using seed::cidr;
using seed::ip;

TEST_CASE("objects are described in the words of ip") {
  CHECK(describe(Route::Key{254, cidr("10.0.0.0/24")},
                 Route{.dev = "eth0", .gateway = ip("172.18.0.4")}) ==
        "route 10.0.0.0/24 via 172.18.0.4 dev eth0");
  CHECK(describe(Route::Key{200, cidr("10.0.1.0/24")},
                 Route{.type = RouteType::local, .dev = "eth0"}) ==
        "route local 10.0.1.0/24 dev eth0 table 200");
  CHECK(
      describe(Route::Key{214, cidr("10.0.0.0/24"), 4096}, Route{.type = RouteType::unreachable}) ==
      "route unreachable 10.0.0.0/24 table 214 metric 4096");
  CHECK(describe(Rule::Key{Family::v4, 1, {0xd00, 0xf00}, 200}, Rule{}) ==
        "rule 1: fwmark 0xd00/0xf00 lookup 200");
  CHECK(describe(Rule::Key{Family::v4, 2, {}, 254, cidr("10.0.1.138/32"), 50}, Rule{}) ==
        "rule 2: from 10.0.1.138/32 ipproto 50 lookup 254");
  CHECK(describe(LocalRule::Key{}, LocalRule{{100}}) == "rule 100: lookup local");
  CHECK(Mark{0, 0xf00}.to_string() == "0/0xf00");
  CHECK(describe(PeerEntry::Key{cidr("10.0.0.0/24")}, PeerEntry{3}) == "peer 10.0.0.0/24 key 3");
  CHECK(describe(PeerEntry::Key{cidr("10.0.2.0/24")}, PeerEntry{0}) == "peer 10.0.2.0/24 drop");
}

TEST_CASE("a state's description has everything but its key") {
  const State state{
      .src = ip("10.0.1.138"), .reqid = 1, .output_mark = {0xe00, 0xf00}, .algorithm = seed::gcm()};
  CHECK(describe(State::Key{ip("10.0.0.40"), 3, {0x3e00, 0xff00}}, state) ==
        "state src 10.0.1.138 dst 10.0.0.40 proto esp spi 0x3 reqid 1 mode tunnel mark "
        "0x3e00/0xff00 output-mark 0xe00/0xf00 rfc4106(gcm(aes)) 128");
}

TEST_CASE("routes are ordered by table, then the more specific first") {
  Table<Route> table;
  for (const auto* dst : {"10.0.0.0/24", "10.0.1.0/24", "10.0.1.138/32", "0.0.0.0/0"}) {
    table[{254, cidr(dst)}] = {};
  }
  table[{200, cidr("10.0.0.0/24")}] = {};
  std::vector<std::string> order;
  for (const auto& [key, route] : table) {
    order.push_back(std::to_string(key.table) + " " + key.dst.to_string());
  }
  CHECK(order == std::vector<std::string>{"200 10.0.0.0/24", "254 10.0.1.138/32", "254 10.0.0.0/24",
                                          "254 10.0.1.0/24", "254 0.0.0.0/0"});
}

TEST_CASE(
    "every table of the kernel state is visited once, the block policies first and the nodes "
    "last") {
  std::vector<std::string> names;
  for_each_table([&](const char* name, auto) { names.emplace_back(name); });
  REQUIRE(names.size() == 18);
  CHECK(names.front() == "block policy");
  CHECK(names.back() == "node peer");
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}

}  // namespace pellicle::this_file
