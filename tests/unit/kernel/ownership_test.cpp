#include "agent/kernel/ownership.h"

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using seed::cidr;

namespace {

const OwnDevices kOwn{kHostDevice, kNetDevice};
const KernelState kDesired = compute(seed::worker()).state;

}  // namespace

TEST_CASE("all that is desired on the seed's worker is recognised as ours") {
  REQUIRE(kDesired.states.size() == 3);
  for (const auto& [key, value] : kDesired.states) CHECK(is_ours(key, value));
  for (const auto& [key, value] : kDesired.policies) CHECK(is_ours(key, value));
  for (const auto& [key, value] : kDesired.block_policies) CHECK(is_block_policy(key, value));
  for (const auto& [key, value] : kDesired.routes) {
    const KernelRoute route{key, value, 1, true};
    CHECK((is_ours(route, value.dev, kOwn) || needs_ledger(key, value)));
  }
  for (const auto& [key, value] : kDesired.rules) CHECK(is_ours(KernelRule{key, true}));
}

TEST_CASE("a state with another reqid, mark or output-mark is somebody else's") {
  for (const auto& [key, value] : kDesired.states) {
    auto other = value;
    other.reqid = 2;
    CHECK_FALSE(is_ours(key, other));
    other = value;
    other.output_mark = {};
    CHECK_FALSE(is_ours(key, other));
    auto elsewhere = key;
    elsewhere.mark = {};
    CHECK_FALSE(is_ours(elsewhere, value));
    elsewhere.mark = {key.mark.value, 0xffffffff};
    CHECK_FALSE(is_ours(elsewhere, value));
    elsewhere.mark = {0xe00, 0xff00};  // no key id
    CHECK_FALSE(is_ours(elsewhere, value));
  }
}

TEST_CASE("a policy with another reqid, mark, direction or action is somebody else's") {
  for (const auto& [key, value] : kDesired.policies) {
    auto other = value;
    other.tmpl->reqid = 2;
    CHECK_FALSE(is_ours(key, other));
    other = value;
    other.block = true;
    CHECK_FALSE(is_ours(key, other));
    auto elsewhere = key;
    elsewhere.mark = {};
    CHECK_FALSE(is_ours(elsewhere, value));
  }
  for (const auto& [key, value] : kDesired.block_policies) {
    auto narrow = key;
    narrow.dst = cidr("10.0.0.0/8");
    CHECK_FALSE(is_ours(narrow, value));
  }
}

TEST_CASE("routes of the kernel, and what stands in table 200 by others, are not ours") {
  const KernelRoute own{{254, cidr("10.0.1.0/24")}, {.scope = 253}, 3, true};
  CHECK(is_ours(own, "cilium_host", kOwn));
  CHECK_FALSE(is_ours(own, "eth0", kOwn));
  auto kernel = own;
  kernel.value.protocol = 2;
  CHECK_FALSE(is_ours(kernel, "cilium_host", kOwn));
  auto odd = own;
  odd.plain = false;
  CHECK_FALSE(is_ours(odd, "cilium_host", kOwn));
  auto local = own;
  local.key.table = 200;
  local.value.type = RouteType::local;
  CHECK_FALSE(is_ours(local, "eth0", kOwn));
  local.value.protocol = kEncryptRouteProtocol;
  CHECK(is_ours(local, "eth0", kOwn));
  const Route unreachable{.type = RouteType::unreachable};
  CHECK(is_ours({{kMarkPodsTable, cidr("10.0.0.0/24"), kBehindMetric}, unreachable}, "", kOwn));
  CHECK_FALSE(is_ours({{kMarkPodsTable, cidr("10.0.0.0/24"), 7}, unreachable}, "", kOwn));
  CHECK_FALSE(is_ours({{kMainTable, cidr("10.0.0.0/24"), kBehindMetric}, unreachable}, "", kOwn));
}

TEST_CASE("rules are ours by their exact value") {
  const KernelRule ours{{.priority = 1, .mark = kEncryptMark, .table = 200}, true};
  CHECK(is_ours(ours));
  for (auto change : {+[](KernelRule& rule) { rule.key.priority = 2; },
                      +[](KernelRule& rule) { rule.key.table = 201; },
                      +[](KernelRule& rule) { rule.key.mark.value = 0xc00; },
                      +[](KernelRule& rule) { rule.plain = false; }}) {
    auto other = ours;
    change(other);
    CHECK_FALSE(is_ours(other));
  }
  const auto of_node = [](uint32_t priority, uint32_t table, std::optional<Cidr> dst) {
    return KernelRule{{.priority = priority,
                       .table = table,
                       .protocol = 1,
                       .dst = std::move(dst),
                       .of_node = true},
                      true};
  };
  CHECK(is_ours(of_node(101, 214, std::nullopt)));
  CHECK(is_ours(of_node(102, 254, cidr("10.0.1.0/24"))));
  CHECK(is_ours(of_node(103, 200, std::nullopt)));
  CHECK_FALSE(is_ours(of_node(102, 254, std::nullopt)));
  CHECK_FALSE(is_ours(of_node(103, 201, std::nullopt)));
  CHECK_FALSE(is_local_rule({{.priority = 7, .table = 255, .of_node = true}, true}));
  CHECK(is_local_rule({{.priority = 7, .table = 255}, true}));
  CHECK_FALSE(is_local_rule({{.priority = 7, .mark = {1, 1}, .table = 255}, true}));
}

}  // namespace this_file
