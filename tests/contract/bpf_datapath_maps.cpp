// The pinned maps, through BpfDatapath: pins, identity, contents.
#include <bpf/bpf.h>

#include <net/if.h>

#include <ctime>

#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/os_error.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kAllPins =
    "pellicle_config\npellicle_drops\npellicle_eps\npellicle_eps6\npellicle_events\n"
    "pellicle_forged\npellicle_listen\npellicle_owner\npellicle_owner6\npellicle_paths\n"
    "pellicle_peers\npellicle_peers6\npellicle_seen\npellicle_seenpd\npellicle_source\n"
    "pellicle_turn\n";

void make_devices() {
  shell("ip link add cilium_host type veth peer name cilium_net");
  shell("ip link add eth0 type veth");
  shell("ip link add lxc0123456789ab type veth");
}

Change<DatapathConfig> seed_config() {
  return {.value = {.v4 = {{.pod_cidr = *Cidr::parse("10.0.1.0/24"),
                            .router = *IpAddress::parse("10.0.1.138")}},
                    .v6 = {{.pod_cidr = *Cidr::parse("fd00:10:1::/64"),
                            .router = *IpAddress::parse("fd00:10:1::8a")}},
                    .address4 = *IpAddress::parse("172.18.0.3"),
                    .host_device = "cilium_host",
                    .net_device = "cilium_net",
                    .uplink = "eth0"}};
}

Change<PeerEntry> peer(const std::string& cidr, uint8_t key_id) {
  return {.key = {*Cidr::parse(cidr)}, .value = {.key_id = key_id}};
}

Change<EndpointEntry> endpoint(const std::string& address) {
  return {.key = {*IpAddress::parse(address)},
          .value = {.device = "lxc0123456789ab",
                    .pod_mac = *Mac::parse("6e:7b:6a:37:31:ab"),
                    .host_mac = *Mac::parse("4e:0d:10:48:00:05")}};
}

Change<PodSource> source(const std::string& cidr) {
  return {.key = {.device = "lxc0123456789ab", .cidr = *Cidr::parse(cidr)}};
}

KernelState dumped(BpfDatapath& datapath) {
  KernelState state;
  datapath.dump(state);
  return state;
}

template <class Kind>
void remove(BpfDatapath& datapath, Change<Kind> change) {
  change.action = Action::remove;
  datapath.apply(change);
}

int make_map(bpf_map_type type, const char* name, uint32_t key, uint32_t value, uint32_t entries) {
  const int fd = bpf_map_create(type, name, key, value, entries, nullptr);
  REQUIRE(fd >= 0);
  return fd;
}

}  // namespace

TEST_CASE("bpf datapath: looking makes nothing, on a clean machine and as often as you like") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  BpfDatapath datapath(pins.path());
  CHECK(dumped(datapath) == KernelState{});
  CHECK(datapath.program_tags().size() == 7);
  CHECK(dumped(datapath) == KernelState{});
  CHECK(datapath.drops().at("no_key") == DropCount{});
  datapath.finish();
  CHECK_FALSE(shell_status("test -e " + pins.path()) == 0);
  CHECK(shell_status("tc qdisc show dev eth0 | grep clsact") != 0);
}

TEST_CASE("bpf datapath: what is written is dumped, also by the next process") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  KernelState wanted;
  {
    BpfDatapath datapath(pins.path());
    datapath.apply(seed_config());
    CHECK(pins.listing() == kAllPins);
    datapath.apply(peer("10.0.0.0/24", 3));
    datapath.apply(peer("10.0.2.0/24", 0));
    datapath.apply(peer("0.0.0.0/0", 15));
    datapath.apply(peer("fd00:10::/64", 3));
    datapath.apply(peer("::/0", 16));
    datapath.apply(endpoint("10.0.1.52"));
    datapath.apply(endpoint("fd00:10:1::34"));
    for (const char* cidr : {"fe80::34/128", "10.9.0.0/16", "0.0.0.0/0", "fd09::/32"}) {
      datapath.apply(source(cidr));
      wanted.sources[source(cidr).key] = {};
    }
    for (const auto& [cidr, router] : {std::pair("10.0.0.0/24", "10.0.0.40"),
                                       {"172.18.0.4/32", "10.0.0.40"},
                                       {"fd00:10::/64", "fd00:10::28"}}) {
      const Change<AddressOwner> owner{.key = {*Cidr::parse(cidr)},
                                       .value = {.router = *IpAddress::parse(router),
                                                 .to_pods = ClearText::is_dropped,
                                                 .to_node = ClearText::is_observed}};
      datapath.apply(owner);
      wanted.owners[owner.key] = owner.value;
    }
    wanted.peers[{*Cidr::parse("fd00:10::/64")}] = {.key_id = 3};
    wanted.peers[{*Cidr::parse("::/0")}] = {.key_id = 16};
    wanted.endpoints[{*IpAddress::parse("fd00:10:1::34")}] = endpoint("fd00:10:1::34").value;
    wanted.datapath_config[{}] = seed_config().value;
    wanted.peers[{*Cidr::parse("10.0.0.0/24")}] = {.key_id = 3};
    wanted.peers[{*Cidr::parse("10.0.2.0/24")}] = {.key_id = 0};
    wanted.peers[{*Cidr::parse("0.0.0.0/0")}] = {.key_id = 15};
    wanted.endpoints[{*IpAddress::parse("10.0.1.52")}] = endpoint("10.0.1.52").value;
    CHECK(dumped(datapath) == wanted);
  }
  BpfDatapath next(pins.path());
  CHECK(dumped(next) == wanted);
  auto changed = peer("10.0.2.0/24", 4);
  changed.action = Action::replace;
  next.apply(changed);
  wanted.peers[{*Cidr::parse("10.0.2.0/24")}] = {.key_id = 4};
  CHECK(dumped(next) == wanted);
}

TEST_CASE("bpf datapath: removing the absent succeeds, and cleanup ends with no pin") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  BpfDatapath datapath(pins.path());
  remove(datapath, peer("10.0.0.0/24", 3));
  remove(datapath, seed_config());
  CHECK_FALSE(shell_status("test -e " + pins.path()) == 0);
  datapath.apply(seed_config());
  datapath.apply(peer("10.0.0.0/24", 3));
  datapath.apply(endpoint("10.0.1.52"));
  datapath.finish();
  CHECK(pins.listing() == kAllPins);
  datapath.apply(peer("fd00:10::/64", 3));
  datapath.apply(endpoint("fd00:10:1::34"));
  remove(datapath, endpoint("10.0.1.52"));
  remove(datapath, endpoint("10.0.1.52"));
  for (int twice = 0; twice < 2; ++twice) {
    remove(datapath, endpoint("fd00:10:1::34"));
    remove(datapath, peer("fd00:10::/64", 3));
  }
  remove(datapath, peer("10.0.0.0/24", 3));
  datapath.finish();
  CHECK(pins.listing() == kAllPins);
  remove(datapath, seed_config());
  CHECK(dumped(datapath) == KernelState{});
  datapath.finish();
  CHECK_FALSE(shell_status("test -e " + pins.path()) == 0);
  datapath.finish();
  datapath.apply(seed_config());
  CHECK(dumped(datapath).datapath_config.size() == 1);
}

TEST_CASE(
    "bpf datapath: a device that has gone leaves an empty name, one that is not there a refusal") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  BpfDatapath datapath(pins.path());
  datapath.apply(seed_config());
  datapath.apply(endpoint("10.0.1.52"));
  shell("ip link del eth0");
  shell("ip link del lxc0123456789ab");
  const KernelState state = dumped(datapath);
  CHECK(state.datapath_config.at({}).uplink.empty());
  CHECK(state.datapath_config.at({}).host_device == "cilium_host");
  CHECK(state.endpoints.at({*IpAddress::parse("10.0.1.52")}).device.empty());
  try {
    datapath.apply(seed_config());
    FAIL("nothing was thrown");
  } catch (const OsError& error) {
    CHECK(error.error() == ENODEV);
    CHECK(std::string(error.what()) == "find device eth0: No such device");
  }
}

TEST_CASE("bpf datapath: what a pod may send from goes with it, before its device or after") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  shell("ip link add lxc0000000000 type veth");
  auto other = source("10.9.0.0/16");
  other.key.device = "lxc0000000000";
  BpfDatapath datapath(pins.path());
  datapath.apply(seed_config());
  for (const char* cidr : {"fe80::34/128", "10.9.0.0/16", "10.8.0.0/16"})
    datapath.apply(source(cidr));
  datapath.apply(other);
  remove(datapath, source("10.8.0.0/16"));
  CHECK(dumped(datapath).sources.size() == 3);
  const std::string number = "#" + std::to_string(if_nametoindex("lxc0123456789ab"));
  shell("ip link del lxc0123456789ab");
  CHECK(dumped(datapath).sources == Table<PodSource>{{{number, *Cidr::parse("10.9.0.0/16")}, {}},
                                                     {{number, *Cidr::parse("fe80::34/128")}, {}},
                                                     {other.key, {}}});
  remove(datapath, source("10.9.0.0/16"));
  auto by_number = source("fe80::34/128");
  by_number.key.device = number;
  remove(datapath, by_number);
  CHECK(dumped(datapath).sources == Table<PodSource>{{other.key, {}}});
}

TEST_CASE("bpf datapath: a pinned map of another definition is replaced and reported") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  {
    BpfDatapath datapath(pins.path());
    datapath.apply(seed_config());
    datapath.apply(peer("10.0.0.0/24", 3));
  }
  const std::string path = pins.path() + "/" MAP_PEERS;
  shell("rm " + path);
  const int other = make_map(BPF_MAP_TYPE_HASH, "older", 4, 4, 16);
  REQUIRE(bpf_obj_pin(other, path.c_str()) == 0);
  close(other);
  BpfDatapath datapath(pins.path());
  std::string note;
  datapath.on_note = [&](const std::string& sentence) { note += sentence; };
  KernelState state = dumped(datapath);
  CHECK(state.peers.empty());
  CHECK(state.datapath_config.size() == 1);
  CHECK(note.empty());
  datapath.apply(peer("10.0.2.0/24", 3));
  CHECK_THAT(note, Contains(path + " replaced: it had type 1, key 4, value 4, entries 16"));
  state = dumped(datapath);
  CHECK(state.peers.size() == 1);
  CHECK(state.datapath_config.size() == 1);
}

TEST_CASE("bpf datapath: pins removed by hand come back with what the programs use") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  BpfDatapath datapath(pins.path());
  datapath.apply(seed_config());
  const std::string id = shell("bpftool map show pinned " + pins.path() + "/" MAP_CONFIG);
  shell("rm -r " + pins.path());
  CHECK(dumped(datapath) == KernelState{});
  datapath.apply(seed_config());
  CHECK(pins.listing() == kAllPins);
  CHECK(shell("bpftool map show pinned " + pins.path() + "/" MAP_CONFIG) == id);
}

TEST_CASE("bpf datapath: a folder that is on no bpf file system is one clear sentence") {
  FreshNamespace node;
  make_devices();
  BpfDatapath datapath("/run/pellicle-pins");
  CHECK(dumped(datapath) == KernelState{});
  try {
    datapath.apply(seed_config());
    FAIL("nothing was thrown");
  } catch (const OsError& error) {
    CHECK_THAT(error.what(), Contains("/run is not on a bpf file system (mount -t bpf bpf"));
  }
  CHECK(shell_status("test -e /run/pellicle-pins") != 0);
}

TEST_CASE("bpf datapath: maps full to the last entry are dumped quickly") {
  FreshNamespace node;
  PinFolder pins;
  make_devices();
  BpfDatapath datapath(pins.path());
  for (uint32_t i = 0; i < 5000; ++i)
    datapath.apply(Change<PeerEntry>{.key = {Cidr(IpAddress::v4(0x0a000000 + (i << 8)), 24)},
                                     .value = {.key_id = 3}});
  auto pod = endpoint("10.0.1.52");
  for (uint32_t i = 0; i < datapath::MAX_ENDPOINTS; ++i) {
    pod.key.address = IpAddress::v4(0x0a400000 + i);
    datapath.apply(pod);
  }
  const std::clock_t start = std::clock();
  const KernelState state = dumped(datapath);
  const double took = double(std::clock() - start) / CLOCKS_PER_SEC;  // of this process
  CHECK(state.peers.size() == 5000);
  CHECK(state.endpoints.size() == datapath::MAX_ENDPOINTS);
  CAPTURE(took);
  CHECK(took < 0.2);
  CHECK_THROWS_AS(datapath.apply(endpoint("10.99.99.99")), OsError);  // E2BIG
  for (uint32_t i = 5000; i < datapath::MAX_PEERS; ++i)
    datapath.apply(Change<PeerEntry>{.key = {Cidr(IpAddress::v4(0x0a000000 + (i << 8)), 24)},
                                     .value = {.key_id = 3}});
  CHECK_THROWS_AS(datapath.apply(peer("172.30.0.0/24", 3)), OsError);  // ENOSPC
  datapath.apply(peer("fd00:10::/64", 3));  // the other family's map has room
}

}  // namespace this_file
