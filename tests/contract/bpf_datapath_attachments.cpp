// Programs on devices, through BpfDatapath and as `tc` shows them.
#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/os_error.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

Change<Attachment> attachment(BpfDatapath& datapath, const std::string& dev, bool ingress,
                              const std::string& program) {
  return {.key = {.dev = dev, .ingress = ingress},
          .value = {.program = program, .tag = datapath.program_tags().at(program)}};
}

template <class Kind>
void remove(BpfDatapath& datapath, Change<Kind> change) {
  change.action = Action::remove;
  datapath.apply(change);
}

KernelState dumped(BpfDatapath& datapath) {
  KernelState state;
  datapath.dump(state);
  return state;
}

std::string filters(const std::string& dev, const std::string& side) {
  return shell("tc filter show dev " + dev + " " + side);
}

// A filter that Pellicle does not own: another kind, another priority.
void add_foreign_filter(const std::string& dev, const std::string& side) {
  shell("tc filter add dev " + dev + " " + side +
        " prio 7 protocol ip u32 match ip protocol 99 0xff classid 1:1");
}

}  // namespace

TEST_CASE("attachments: attached is dumped with its tag and the pinned maps") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  BpfDatapath datapath(pins.path());
  const auto in = attachment(datapath, "eth0", true, "pell_uplink_in");
  const auto out = attachment(datapath, "eth0", false, "pell_uplink_out");
  datapath.apply(in);
  datapath.apply(out);
  KernelState wanted;
  wanted.attachments[in.key] = in.value;
  wanted.auditors[out.key] = out.value;
  CHECK(dumped(datapath) == wanted);
  CHECK_THAT(filters("eth0", "ingress"), Contains("pref 1 bpf") && Contains("handle 0x50656c6c") &&
                                             Contains("pell_uplink_in direct-action"));
  CHECK_THAT(filters("eth0", "egress"), Contains("pell_uplink_out direct-action"));
}

TEST_CASE("attachments: another process finds the same, and replacing keeps one filter") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  KernelState wanted;
  {
    BpfDatapath datapath(pins.path());
    const auto in = attachment(datapath, "eth0", true, "pell_uplink_in");
    datapath.apply(in);
    wanted.attachments[in.key] = in.value;
  }
  BpfDatapath next(pins.path());
  CHECK(dumped(next) == wanted);
  auto other = attachment(next, "eth0", true, "pell_lxc_in");
  other.action = Action::replace;
  next.apply(other);
  CHECK(dumped(next).attachments.at(other.key) == other.value);
  const std::string shown = filters("eth0", "ingress");
  CHECK_THAT(shown, Contains("pell_lxc_in") && !Contains("pell_uplink_in"));
}

TEST_CASE("attachments: a program that uses other maps than the pinned ones is told apart") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  Change<Attachment> in;
  {
    BpfDatapath datapath(pins.path());
    in = attachment(datapath, "eth0", true, "pell_uplink_in");
    datapath.apply(in);
  }
  shell("rm -r " + pins.path());
  BpfDatapath datapath(pins.path());
  CHECK_FALSE(dumped(datapath).attachments.at(in.key).current_maps);
  datapath.apply(attachment(datapath, "eth0", true, "pell_uplink_in"));
  CHECK(dumped(datapath).attachments.at(in.key) == in.value);
}

TEST_CASE("attachments: removing takes ours alone, and the hooks with the last filter") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  BpfDatapath datapath(pins.path());
  const auto in = attachment(datapath, "eth0", true, "pell_uplink_in");
  const auto out = attachment(datapath, "eth0", false, "pell_uplink_out");
  datapath.apply(in);
  datapath.apply(out);
  SECTION("nobody else is there") {
    remove(datapath, in);
    CHECK_THAT(shell("tc qdisc show dev eth0"), Contains("clsact"));
    remove(datapath, out);
    CHECK_THAT(shell("tc qdisc show dev eth0"), !Contains("clsact"));
    remove(datapath, out);
    datapath.finish();
    CHECK(shell_status("test -e " + pins.path()) != 0);
  }
  SECTION("somebody else is there") {
    add_foreign_filter("eth0", "egress");
    const std::string foreign = shell("tc filter show dev eth0 egress pref 7");
    remove(datapath, in);
    remove(datapath, out);
    CHECK(shell("tc filter show dev eth0 egress pref 7") == foreign);
    CHECK(dumped(datapath) == KernelState{});
  }
  SECTION("the device has gone") {
    shell("ip link del eth0");
    remove(datapath, in);
    CHECK(dumped(datapath).attachments.empty());
  }
}

TEST_CASE("attachments: pins stay while a program of ours is on a device") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  BpfDatapath datapath(pins.path());
  const auto in = attachment(datapath, "eth0", true, "pell_uplink_in");
  datapath.apply(in);
  datapath.finish();
  CHECK(dumped(datapath).attachments.at(in.key).current_maps);
}

TEST_CASE("attachments: what cannot be is refused with its reason") {
  FreshNamespace node;
  PinFolder pins;
  shell("ip link add eth0 type veth");
  BpfDatapath datapath(pins.path());
  const auto error_of = [&](const Change<Attachment>& change) -> std::pair<int, std::string> {
    try {
      datapath.apply(change);
    } catch (const OsError& error) {
      return {error.error(), error.what()};
    }
    return {0, ""};
  };
  CHECK(error_of(attachment(datapath, "nosuch", true, "pell_lxc_in")) ==
        std::pair(ENODEV, std::string("find device nosuch: No such device")));
  auto unknown = attachment(datapath, "eth0", true, "pell_lxc_in");
  unknown.value.program = "pell_nothing";
  CHECK(error_of(unknown).first == ENOENT);
  CHECK_THAT(error_of(unknown).second, Contains("pell_nothing"));
  // Another kind of filter holds priority 1: the error carries the kernel's own words.
  shell("tc qdisc add dev eth0 clsact");
  shell("tc filter add dev eth0 ingress prio 1 protocol ip u32 match u32 0 0 classid 1:1");
  const std::string before = filters("eth0", "ingress");
  CHECK_THAT(error_of(attachment(datapath, "eth0", true, "pell_lxc_in")).second,
             Contains("attach pell_lxc_in to device eth0 ingress: "));
  CHECK(filters("eth0", "ingress") == before);
}

TEST_CASE("attachments: of two hundred devices each is dumped") {
  FreshNamespace node;
  PinFolder pins;
  BpfDatapath datapath(pins.path());
  shell("seq 100 | sed 's/.*/link add lxc& type veth peer name lxd&/' | ip -batch -");
  for (int i = 1; i <= 100; ++i)
    for (const char* dev : {"lxc", "lxd"})
      datapath.apply(attachment(datapath, dev + std::to_string(i), true, "pell_lxc_in"));
  CHECK(dumped(datapath).attachments.size() == 200);
}

}  // namespace this_file
