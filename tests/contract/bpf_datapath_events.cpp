// The event listener, and the lifetime of its maps.
#include <bpf/bpf.h>
#include <poll.h>
#include <unistd.h>

#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/datapath_events.h"
#include "agent/kernel/os_error.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

// The programs as an agent loads them: maps pinned, attached to no device.
struct Pinned {
  PinFolder pins;
  BpfPrograms programs{BpfMaps{}};
  Pinned() {
    for (const char* name : kMapNames) pin_map(pins.path(), name, programs.map_fd(name));
  }

  // A pod's IPv4 packet before any configuration exists: the program drops it.
  void drop_one() const {
    std::vector<uint8_t> frame(60);
    frame[12] = 0x08;
    frame[14] = 0x45;
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<uint32_t>(frame.size());
    options.repeat = 1;
    REQUIRE(bpf_prog_test_run_opts(programs.program_fd("pell_lxc_in"), &options) == 0);
  }

  datapath::listener listener() const {
    const uint32_t only = 0;
    datapath::listener found{};
    REQUIRE(lookup_bytes(programs.map_fd(MAP_LISTENER), &only, &found, "the listener"));
    return found;
  }
};

std::pair<int, std::string> refusal(const std::function<void()>& of) {
  try {
    of();
  } catch (const OsError& error) {
    return {error.error(), error.what()};
  }
  return {0, ""};
}

size_t heard(DatapathEvents& events) {
  size_t count = 0;
  const auto hear = [&](const DatapathEvent&) { return ++count > 0; };
  size_t before = 0;
  do {
    before = count;
    events.read(hear);
  } while (count > before);
  return count;
}

// Without hardware support the kernel wakes a waiting process only at the next tick.
bool becomes_readable(const DatapathEvents& events, int milliseconds = 10000) {
  pollfd waiting{.fd = events.fd(), .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("datapath events: an event is what the program saw, and what is read is gone") {
  const Pinned pinned;
  DatapathEvents events(pinned.pins.path(), {});
  CHECK_FALSE(becomes_readable(events, 0));
  pinned.drop_one();
  CHECK(becomes_readable(events));
  std::vector<DatapathEvent> all;
  const auto before = std::chrono::system_clock::now();
  CHECK_FALSE(events.read([&](const DatapathEvent& event) {
    all.push_back(event);
    return false;
  }));
  REQUIRE(all.size() == 1);
  CHECK(all[0].kind == EventKind::dropped);
  CHECK(all[0].reason == "no_config");
  CHECK(all[0].source == IpAddress::parse("0.0.0.0"));
  CHECK(all[0].protocol == 0);
  CHECK_FALSE(all[0].ports.has_value());
  CHECK(all[0].length == 60);
  CHECK(all[0].device == "lo");
  CHECK(before - all[0].time < std::chrono::minutes(1));
  CHECK(all[0].time - before < std::chrono::seconds(1));
  CHECK_FALSE(becomes_readable(events, 0));
  CHECK(heard(events) == 0);
  CHECK(events.lost() == 0);
}

TEST_CASE("datapath events: one that is read no further stops there, and the rest is read later") {
  const Pinned pinned;
  DatapathEvents events(pinned.pins.path(), {});
  for (int i = 0; i < 1000; ++i) pinned.drop_one();
  size_t count = 0;
  CHECK_FALSE(events.read([&](const DatapathEvent&) { return ++count < 10; }));
  CHECK(count == 10);
  CHECK_THROWS_WITH(
      events.read([](const DatapathEvent&) -> bool { throw std::runtime_error("full"); }), "full");
  CHECK(events.read([&](const DatapathEvent&) { return ++count > 0; }));
  CHECK(count < 1000);  // a part, so that the listener's lease is renewed in time
  CHECK(count + heard(events) == 999);
}

TEST_CASE("datapath events: who listens, wants what, and ends") {
  const Pinned pinned;
  {
    const DatapathEvents events(pinned.pins.path(),
                                {.kinds = {EventKind::marked, EventKind::dropped}, .one_in = 7});
    const auto listener = pinned.listener();
    CHECK(listener.until > 0);
    CHECK(listener.kinds == (1u << datapath::EVENT_MARKED | 1u << datapath::EVENT_DROPPED));
    CHECK(listener.one_in == 7);
    CHECK(listener.process == static_cast<uint32_t>(getpid()));
    const auto [error, sentence] = refusal([&] { DatapathEvents(pinned.pins.path(), {}); });
    CHECK(error == EBUSY);
    CHECK(sentence == "process " + std::to_string(getpid()) + " listens to the datapath already (" +
                          pinned.pins.path() + "), and only one at a time can");
    CHECK(pinned.listener().until > 0);
  }
  CHECK(pinned.listener().until == 0);
  pinned.drop_one();
  DatapathEvents next(pinned.pins.path(), {});
  CHECK(heard(next) == 0);
  pinned.drop_one();
  CHECK(heard(next) == 1);
}

TEST_CASE("datapath events: what the one before has not read is not the next one's") {
  const Pinned pinned;
  {
    const DatapathEvents events(pinned.pins.path(), {});
    for (int i = 0; i < 4000; ++i) pinned.drop_one();
    CHECK(events.lost() > 0);
  }
  DatapathEvents next(pinned.pins.path(), {});
  CHECK(next.lost() == 0);
  CHECK(heard(next) == 0);
  pinned.drop_one();
  CHECK(heard(next) == 1);
}

TEST_CASE("datapath events: a wish that is renewed too late says so") {
  const Pinned pinned;
  DatapathEvents events(pinned.pins.path(), {});
  CHECK(events.renew().count() == 0);
  auto listener = pinned.listener();
  listener.until = 1;  // as after a long suspend
  const uint32_t only = 0;
  update_bytes(pinned.programs.map_fd(MAP_LISTENER), &only, &listener, "the listener");
  pinned.drop_one();
  CHECK(heard(events) == 0);
  CHECK(events.renew().count() > 0);
  pinned.drop_one();
  CHECK(heard(events) == 1);
}

TEST_CASE("datapath events: maps that are not there, or another version's, are one sentence") {
  const Pinned pinned;
  const auto root = pinned.pins.path();
  CHECK(refusal([&] { DatapathEvents(root + "-none", {}); }) ==
        std::pair(ENOENT, "there is no " + root +
                              "-none/pellicle_listen: no agent of this version runs on this node"));
  DatapathEvents events(root, {});
  unpin_map(root, MAP_EVENTS);
  CHECK(refusal([&] { events.renew(); }).first == ESTALE);
  const FileDescriptor other(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "older", 0, 0, 4096, nullptr));
  pin_map(root, MAP_EVENTS, other.get());
  CHECK(refusal([&] { events.renew(); }).first == ESTALE);
  CHECK(refusal([&] { DatapathEvents(root, {}); }).first == EPROTO);
}

TEST_CASE("bpf datapath: what an older agent pinned gets the maps that it lacks") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  KernelState state;
  Change<Attachment> in{.key = {.dev = "eth0", .ingress = true}, .value = {}};
  {
    BpfDatapath older(pins.path());
    in.value = {.program = "pell_uplink_in", .tag = older.program_tags().at("pell_uplink_in")};
    older.apply(in);
  }
  for (const char* name : {MAP_LISTENER, MAP_EVENTS}) unpin_map(pins.path(), name);
  const auto peers = pinned_map(pins.path(), MAP_PEERS).value().id;
  BpfDatapath newer(pins.path());
  newer.dump(state);
  CHECK_FALSE(state.attachments.at(in.key).current_maps);  // so it is attached again
  newer.apply(in);
  newer.dump(state);
  CHECK(state.attachments.at(in.key) == in.value);
  CHECK(pinned_map(pins.path(), MAP_PEERS).value().id == peers);
  CHECK_NOTHROW(DatapathEvents(pins.path(), {}));
}

}  // namespace this_file
