#include "tests/contract/suite.h"

#include <algorithm>
#include <cerrno>

#include "agent/reconcile/reconciler.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace pellicle::contract {

namespace {

using seed::cidr;
using seed::ip;

// The desired state of the seed's worker without pods, on the site's host.
KernelState desired_for(Inputs inputs, Kernel& kernel) {
  inputs.endpoints.clear();
  inputs.host = kernel.facts();
  const auto desired = compute(inputs);
  for (const auto& problem : desired.problems) FAIL(problem.to_string());
  return desired.state;
}

// A failure describes the differing objects, so no key is printed.
void require_equal(const KernelState& actual, const KernelState& wanted) {
  for (const auto& operation : plan(wanted, actual)) UNSCOPED_INFO(describe(operation));
  const bool equal = actual == wanted;
  REQUIRE(equal);
}

void require_no_refusals(const std::vector<Refusal>& refusals) {
  for (const auto& refusal : refusals) {
    UNSCOPED_INFO(describe(refusal.operation) << ": " << refusal.sentence);
  }
  REQUIRE(refusals.empty());
}

void require_lands(Kernel& kernel, const KernelState& desired) {
  require_no_refusals(reconcile(kernel, desired).refusals);
  require_equal(kernel.dump(), desired);
}

void require_nothing_more(Kernel& kernel, const KernelState& desired) {
  for (const auto& operation : reconcile(kernel, desired).plan) {
    UNSCOPED_INFO("again: " << describe(operation));
  }
  REQUIRE(reconcile(kernel, desired).quiet());
}

// Foreign objects next to Pellicle's: a tunnel with Pellicle's reqid but no mark, routes in its
// table, rules at its priority and with its mark.
KernelState neighbours() {
  KernelState state;
  const auto tunnel = [&](const char* dst, uint32_t spi) {
    state.states[{.dst = ip(dst), .spi = spi, .mark = {}}] = {
        .src = ip("172.18.0.3"), .reqid = kReqId, .algorithm = seed::gcm(100)};
  };
  tunnel("172.18.0.9", 0xc0ffee01);
  tunnel("172.18.0.9", 3);
  state.policies[{.direction = Direction::out,
                  .src = cidr("10.9.0.0/16"),
                  .dst = cidr("10.8.0.0/16"),
                  .mark = {}}] = {
      .priority = 7,
      .tmpl = Policy::Template{.src = ip("172.18.0.3"), .dst = ip("172.18.0.9"), .reqid = kReqId}};
  const auto direct = [&](uint32_t table, const char* dst) {
    state.routes[{table, cidr(dst)}] = {.dev = "eth0", .scope = 253, .protocol = 4};
  };
  direct(200, "192.0.2.0/24");
  direct(201, "10.0.0.0/24");
  state.routes[{254, cidr("198.51.100.0/24")}] = {.dev = "eth0", .gateway = ip("172.18.0.1")};
  state.rules[{.priority = 1, .mark = {0x100, 0xf00}, .table = 201}] = {};
  state.rules[{.priority = 50, .mark = kEncryptMark, .table = 201}] = {};
  return state;
}

void require_survived(const Site& site, const std::set<std::string>& planted) {
  const auto now = site.listing();
  for (const auto& line : planted) {
    INFO("planted: " << line);
    REQUIRE(now.contains(line));
  }
}

}  // namespace

TEST_CASE("after apply the dump equals what was desired") {
  const auto site = make_site();
  const auto kernel = site.start_agent();
  require_lands(*kernel, desired_for(seed::worker(), *kernel));
}

TEST_CASE("the second pass plans nothing, nor does the first of a restarted agent") {
  const auto site = make_site();
  auto kernel = site.start_agent();
  const auto desired = desired_for(seed::worker(), *kernel);
  require_lands(*kernel, desired);
  require_nothing_more(*kernel, desired);
  kernel = site.start_agent();
  require_nothing_more(*kernel, desired_for(seed::worker(), *kernel));
}

TEST_CASE("foreign objects survive passes, a restart and cleanup, and are never reported as ours") {
  const auto site = make_site();
  site.plant(neighbours());
  const auto planted = site.listing();
  REQUIRE(planted.size() >= 8);
  auto kernel = site.start_agent();
  require_equal(kernel->dump(), {});
  require_lands(*kernel, desired_for(seed::worker(), *kernel));
  require_survived(site, planted);
  kernel = site.start_agent();
  require_lands(*kernel, {});
  REQUIRE(site.listing() == planted);
}

TEST_CASE("cleanup by a restarted agent leaves nothing") {
  const auto site = make_site();
  const auto before = site.listing();
  auto kernel = site.start_agent();
  require_lands(*kernel, desired_for(seed::worker(), *kernel));
  REQUIRE(site.listing() != before);
  kernel = site.start_agent();
  require_lands(*kernel, {});
  REQUIRE(site.listing() == before);
}

TEST_CASE("removing what is absent succeeds") {
  const auto site = make_site();
  const auto kernel = site.start_agent();
  const auto removals = plan({}, desired_for(seed::worker(), *kernel));
  REQUIRE(removals.size() > 20);
  require_no_refusals(kernel->apply(removals));
  require_equal(kernel->dump(), {});
}

TEST_CASE("an add whose place a foreign object has is refused and named, and the rest lands") {
  const auto site = make_site();
  auto kernel = site.start_agent();
  auto desired = desired_for(seed::worker(), *kernel);

  KernelState obstacles;
  const State::Key state{.dst = ip("10.0.2.52"), .spi = 3, .mark = encrypt_mark(3)};
  const Policy::Key policy{.direction = Direction::out,
                           .src = cidr("10.0.1.0/24"),
                           .dst = cidr("10.0.0.0/24"),
                           .mark = encrypt_mark(3)};
  const Route::Key route{200, cidr("10.0.0.0/24")};
  obstacles.states[state] = desired.states.at(state);
  obstacles.states[state].reqid = 7;
  obstacles.policies[policy] = desired.policies.at(policy);
  obstacles.policies[policy].tmpl->reqid = 7;
  obstacles.routes[route] = {.dev = "eth0", .scope = 253, .protocol = 4};
  site.plant(obstacles);
  const auto planted = site.listing();

  std::set<std::string> wanted = {
      "add " + describe(state, desired.states.at(state)),
      "add " + describe(policy, desired.policies.at(policy)),
      "add " + describe(route, desired.routes.at(route)),
  };
  const auto pass = reconcile(*kernel, desired);
  std::set<std::string> named;
  for (const auto& refusal : pass.refusals) {
    named.insert(describe(refusal.operation));
    CHECK(refusal.error == EEXIST);
    CHECK_FALSE(refusal.sentence.empty());
  }
  REQUIRE(named == wanted);
  desired.states.erase(state);
  desired.policies.erase(policy);
  desired.routes.erase(route);
  require_equal(kernel->dump(), desired);
  require_survived(site, planted);
}

TEST_CASE("an object on a device that is not there is refused and named, and the rest lands") {
  const auto site = make_site();
  const auto kernel = site.start_agent();
  const auto desired = desired_for(seed::worker(), *kernel);
  auto too_much = desired;
  const Route::Key route{200, cidr("10.99.0.0/24")};
  const Address::Key address{.dev = "nosuch0", .address = ip("10.99.0.1")};
  too_much.routes[route] = {.dev = "nosuch0"};
  too_much.addresses[address] = {};

  std::set<std::string> named;
  for (const auto& refusal : reconcile(*kernel, too_much).refusals) {
    named.insert(describe(refusal.operation));
    CHECK(refusal.error == ENODEV);
    CHECK_FALSE(refusal.sentence.empty());
  }
  REQUIRE(named == std::set<std::string>{"add " + describe(route, too_much.routes.at(route)),
                                         "add " + describe(address, {})});
  require_equal(kernel->dump(), desired);
}

TEST_CASE("each object that is lost is put back") {
  const auto site = make_site();
  const auto kernel = site.start_agent();
  const auto desired = desired_for(seed::worker(), *kernel);
  require_lands(*kernel, desired);
  for (const auto& removal : plan({}, desired)) {
    INFO("lost: " << describe(removal));
    require_no_refusals(kernel->apply({removal}));
    const bool lost = kernel->dump() != desired;
    CHECK(lost);
    require_lands(*kernel, desired);
  }
}

TEST_CASE("a crash in the middle of an apply or of a cleanup is made good by the next agent") {
  const auto site = make_site();
  const auto before = site.listing();
  auto kernel = site.start_agent();
  const auto desired = desired_for(seed::worker(), *kernel);
  const auto whole = static_cast<Plan::difference_type>(plan(desired, {}).size());
  for (Plan::difference_type done = 1; done < whole; done += 5) {
    INFO("after " << done << " operations");
    const auto additions = plan(desired, {});
    require_no_refusals(kernel->apply({additions.begin(), additions.begin() + done}));
    kernel = site.start_agent();
    require_lands(*kernel, desired);
    const auto removals = plan({}, desired);
    require_no_refusals(kernel->apply({removals.begin(), removals.begin() + done}));
    kernel = site.start_agent();
    require_lands(*kernel, {});
    REQUIRE(site.listing() == before);
  }
}

TEST_CASE("a cluster that changes is followed, step by step") {
  const auto site = make_site();
  auto inputs = seed::worker();
  const auto kernel = site.start_agent();
  const auto follow = [&](const char* step) {
    INFO(step);
    require_lands(*kernel, desired_for(inputs, *kernel));
  };
  follow("three nodes");
  inputs.nodes["worker3"] =
      seed::node("worker3", "2022-12-21T00:00:00Z", "10.0.3.0/24", "172.18.0.5", "10.0.3.7");
  follow("a fourth joins");
  inputs.nodes["worker3"].router_ipv4 = ip("10.0.3.9");
  inputs.nodes["worker3"].internal_ipv4 = ip("172.18.0.6");
  follow("it changes its addresses");
  inputs.nodes["worker3"].pod_cidrs = {cidr("10.0.4.0/24")};
  inputs.nodes["worker3"].router_ipv4 = ip("10.0.4.9");
  follow("it gets another PodCIDR");
  inputs.key = IpsecKey{.id = 4, .algorithm = seed::gcm(50)};
  follow("a new key");
  inputs.key->algorithm = seed::gcm(51);
  follow("another key under the same id");
  inputs.nodes["worker"].pod_cidrs = {cidr("10.0.7.0/24")};
  follow("this node's own PodCIDR changes");
  inputs.nodes.erase("worker3");
  inputs.nodes.erase("worker2");
  follow("two nodes leave");
}

}  // namespace pellicle::contract
