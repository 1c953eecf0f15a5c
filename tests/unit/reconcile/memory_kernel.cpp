// The in-memory kernel refuses what Linux refuses.
#include "tests/harness/memory_kernel/memory_kernel.h"

#include <cerrno>

#include "agent/desired/desired.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"
#include "tests/unit/reconcile/random_world.h"

namespace pellicle::this_file {

namespace {

using seed::cidr;
using seed::ip;

template <class Kind>
int attempt(MemoryKernel& kernel, Action action, typename Kind::Key key, Kind value) {
  const auto refusals = kernel.apply({Change<Kind>{action, std::move(key), std::move(value)}});
  return refusals.empty() ? 0 : refusals.front().error;
}

template <class Kind>
int add(MemoryKernel& kernel, typename Kind::Key key, Kind value) {
  return attempt<Kind>(kernel, Action::add, std::move(key), std::move(value));
}

const VethPair kPair{.peer = "cilium_net", .mtu = 1500};
const IpAddress kRouter = ip("10.0.1.138");

}  // namespace

TEST_CASE("memory kernel: objects need their device, and go with it") {
  MemoryKernel kernel;
  const Sysctl::Key sysctl{"net/ipv4/conf/cilium_net/accept_local"};
  const Attachment::Key hook{"cilium_host", false};
  CHECK(add<Address>(kernel, {"cilium_host", kRouter}, {}) == ENODEV);
  CHECK(add<Sysctl>(kernel, sysctl, {"1"}) == ENOENT);
  CHECK(add<Attachment>(kernel, hook, {"pell_host_out"}) == ENODEV);
  CHECK(add<VethPair>(kernel, {"cilium_host"}, kPair) == 0);
  CHECK(add<Address>(kernel, {"cilium_host", kRouter}, {}) == 0);
  CHECK(add<Sysctl>(kernel, sysctl, {"1"}) == 0);
  CHECK(add<Attachment>(kernel, hook, {"pell_host_out"}) == 0);
  CHECK(add<Route>(kernel, {254, Cidr::host(kRouter)}, {.dev = "cilium_host", .scope = 253}) == 0);
  CHECK(kernel.facts().router_ipv4 == kRouter);
  CHECK(attempt<VethPair>(kernel, Action::remove, {"cilium_host"}, kPair) == 0);
  const bool empty = kernel.dump() == KernelState{};
  CHECK(empty);
}

TEST_CASE("memory kernel: a gateway needs its link route, and a source its address") {
  World world;
  auto& kernel = world.kernel;
  add<VethPair>(kernel, {"cilium_host"}, kPair);
  const Route via{.dev = "cilium_host", .gateway = kRouter, .src = kRouter};
  const Route::Key local{254, cidr("10.0.1.0/24")};
  CHECK(add<Route>(kernel, local, via) == EINVAL);
  add<Address>(kernel, {"cilium_host", kRouter}, {});
  CHECK(add<Route>(kernel, local, via) == ENETUNREACH);
  add<Route>(kernel, {254, Cidr::host(kRouter)}, {.dev = "cilium_host", .scope = 253});
  CHECK(add<Route>(kernel, local, via) == 0);
  CHECK(add<Route>(kernel, local, via) == EEXIST);
  const Route::Key peer{254, cidr("10.0.0.0/24")};
  CHECK(add<Route>(kernel, peer, {.dev = "eth0", .gateway = ip("192.168.9.9")}) == ENETUNREACH);
  CHECK(add<Route>(kernel, peer, {.dev = "eth0", .gateway = ip("172.18.0.4")}) == 0);
  attempt<Address>(kernel, Action::remove, {"cilium_host", kRouter}, {});
  CHECK_FALSE(kernel.dump().routes.contains(local));
}

TEST_CASE("memory kernel: routes go with the last bearer of their source, not before") {
  MemoryKernel kernel;
  const Route::Key key{200, cidr("10.0.0.0/24")};
  add<VethPair>(kernel, {"cilium_host"}, kPair);
  add<Address>(kernel, {"cilium_host", kRouter}, {});
  add<Address>(kernel, {"cilium_net", kRouter}, {});
  add<Route>(kernel, key, {.dev = "cilium_host", .src = kRouter});
  attempt<Address>(kernel, Action::remove, {"cilium_net", kRouter}, {});
  CHECK(kernel.dump().routes.contains(key));
  attempt<Address>(kernel, Action::remove, {"cilium_host", kRouter}, {});
  CHECK_FALSE(kernel.dump().routes.contains(key));
}

TEST_CASE("memory kernel: states clash by destination, SPI and overlapping marks") {
  MemoryKernel kernel;
  const State state{.reqid = 1, .algorithm = seed::gcm()};
  const auto dst = ip("10.0.0.40");
  CHECK(add<State>(kernel, {dst, 3, {0x3e00, 0xff00}}, state) == 0);
  CHECK(add<State>(kernel, {dst, 3, {0x3e00, 0xff00}}, state) == EEXIST);
  CHECK(add<State>(kernel, {dst, 3, {0xd00, 0xf00}}, state) == 0);
  CHECK(add<State>(kernel, {dst, 4, {0x3e00, 0xff00}}, state) == 0);
  kernel.foreign.states[{dst, 5, {}}] = state;  // a state without a mark matches every mark
  CHECK(add<State>(kernel, {dst, 5, {0x5e00, 0xff00}}, state) == EEXIST);
  CHECK(attempt<State>(kernel, Action::replace, {dst, 3, {0xd00, 0xf00}}, state) == 0);
}

TEST_CASE("memory kernel: devices of others are not taken over") {
  MemoryKernel kernel;
  kernel.add_device("cilium_net", {});
  CHECK(add<VethPair>(kernel, {"cilium_host"}, kPair) == EEXIST);
}

TEST_CASE("memory kernel: a sysctl gets the value back that it had") {
  World world;
  auto& kernel = world.kernel;
  const std::string path = "net/ipv4/conf/eth0/rp_filter";
  kernel.set_sysctl(path, "2");
  add<Sysctl>(kernel, {path}, {"0"});
  kernel.set_sysctl(path, "1");  // drift
  CHECK(kernel.dump().sysctls.at({path}).value == "1");
  attempt<Sysctl>(kernel, Action::replace, {path}, {"0"});
  attempt<Sysctl>(kernel, Action::remove, {path}, {"0"});
  CHECK(kernel.sysctl(path) == "2");
  CHECK(kernel.dump().sysctls.empty());
}

TEST_CASE("memory kernel: what knew a vanished device by number points nowhere") {
  World world;
  auto& kernel = world.kernel;
  kernel.add_device("lxc0", {});
  add<EndpointEntry>(kernel, {ip("10.0.1.52")}, {.device = "lxc0"});
  kernel.remove_device("lxc0");
  CHECK(kernel.dump().endpoints.at({ip("10.0.1.52")}).device.empty());
}

}  // namespace pellicle::this_file
