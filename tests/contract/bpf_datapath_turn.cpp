// BpfDatapath ends the programs' turn with each write to the maps that they remember results of.
#include "agent/kernel/bpf_datapath.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;

namespace {

uint64_t turn(const PinFolder& pins) {
  const auto map = pinned_map(pins.path(), MAP_TURN);
  REQUIRE(map);
  const uint32_t only = 0;
  uint64_t value = 0;
  REQUIRE(lookup_bytes(map->fd.get(), &only, &value, "the turn"));
  return value;
}

// Makes the change, then undoes it.
template <class Kind>
void ends_the_turn_twice(BpfDatapath& datapath, const PinFolder& pins, Change<Kind> change) {
  const uint64_t before = turn(pins);
  datapath.apply(change);
  const uint64_t between = turn(pins);
  CHECK(between > before);
  change.action = Action::remove;
  datapath.apply(change);
  CHECK(turn(pins) > between);
}

}  // namespace

TEST_CASE("bpf datapath: a change of endpoints, sources or owners ends the programs' turn") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add lxc0123456789ab type veth");
  BpfDatapath datapath(pins.path());
  datapath.apply(Change<PeerEntry>{.key = {*Cidr::parse("10.0.0.0/24")}, .value = {.key_id = 3}});
  for (const char* address : {"10.0.1.52", "fd00:10:1::34"})
    ends_the_turn_twice(datapath, pins,
                        Change<EndpointEntry>{.key = {*IpAddress::parse(address)},
                                              .value = {.device = "lxc0123456789ab"}});
  for (const char* cidr : {"fe80::34/128", "10.9.0.0/16"})
    ends_the_turn_twice(
        datapath, pins,
        Change<PodSource>{.key = {.device = "lxc0123456789ab", .cidr = *Cidr::parse(cidr)}});
  for (const char* cidr : {"10.0.0.0/24", "fd00:10::/64"})
    ends_the_turn_twice(datapath, pins,
                        Change<AddressOwner>{.key = {*Cidr::parse(cidr)},
                                             .value = {.router = *IpAddress::parse("10.0.0.40")}});
}

TEST_CASE("bpf datapath: an agent that starts ends the turn of the one before, and only once") {
  FreshNamespace node;
  PinFolder pins;
  BpfDatapath before(pins.path());
  before.apply(Change<PeerEntry>{.key = {*Cidr::parse("10.0.0.0/24")}, .value = {.key_id = 3}});
  const uint64_t last = turn(pins);
  BpfDatapath after(pins.path());
  KernelState state;
  after.dump(state);
  CHECK(turn(pins) == last + 1);
  after.dump(state);
  CHECK(turn(pins) == last + 1);
}

}  // namespace this_file
