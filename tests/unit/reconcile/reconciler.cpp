#include "agent/reconcile/reconciler.h"

#include <cerrno>

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/unit/reconcile/random_world.h"

namespace pellicle::this_file {

namespace {

KernelState block_only() {
  KernelState state;
  state.block_policies = compute(seed::worker()).state.block_policies;
  return state;
}

}  // namespace

TEST_CASE("a pass says what differed and what was refused") {
  MemoryKernel kernel;
  auto desired = block_only();
  const Address::Key address{.dev = "nosuch0", .address = seed::ip("10.0.1.138")};
  desired.addresses[address] = {};
  const auto pass = reconcile(kernel, desired);
  CHECK_FALSE(pass.quiet());
  CHECK(pass.plan.size() == 3);
  REQUIRE(pass.refusals.size() == 1);
  CHECK(pass.refusals[0].error == ENODEV);
  CHECK(describe(pass.refusals[0].operation) == "add address 10.0.1.138/32 scope link dev nosuch0");
  const bool rest_landed = kernel.dump() == block_only();
  CHECK(rest_landed);
}

TEST_CASE("a pass that finds nothing to do does not write") {
  MemoryKernel kernel;
  reconcile(kernel, block_only());
  kernel.log.clear();
  CHECK(reconcile(kernel, block_only()).quiet());
  CHECK(kernel.log.empty());
}

TEST_CASE("a pass of additions alone neither changes nor removes what is there") {
  MemoryKernel kernel;
  kernel.add_device("eth0", {.addresses = {{seed::ip("172.18.0.3"), 16}}});
  KernelState there;
  const Route route{.dev = "eth0", .gateway = seed::ip("172.18.0.4")};
  there.routes[{254, seed::cidr("10.0.0.0/24")}] = route;
  there.routes[{254, seed::cidr("10.0.2.0/24")}] = route;
  reconcile(kernel, there);

  auto wanted = block_only();
  wanted.routes[{254, seed::cidr("10.0.0.0/24")}] = {.dev = "eth0",
                                                     .gateway = seed::ip("172.18.0.9")};
  const auto pass = reconcile(kernel, wanted, Scope::additions);
  CHECK(pass.plan.size() == 2);
  auto both = there;
  both.block_policies = wanted.block_policies;
  const bool only_added = kernel.dump() == both;
  CHECK(only_added);
}

TEST_CASE("a pass that cannot read the kernel changes nothing") {
  MemoryKernel kernel;
  kernel.faults = {.fail_dump = 1};
  CHECK_THROWS_AS(reconcile(kernel, block_only()), KernelError);
  CHECK(kernel.log.empty());
  CHECK(reconcile(kernel, block_only()).plan.size() == 2);
}

}  // namespace pellicle::this_file
