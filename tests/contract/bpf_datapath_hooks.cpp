// What runs on the hooks where Pellicle attaches, and in which order: as the kernel reports it and
// as packets meet it.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <cerrno>

#include "agent/kernel/bpf_datapath.h"
#include "agent/kernel/file_descriptor.h"
#include "tests/contract/pods_site.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kOthers = "tc filter add dev eth0 ingress protocol all ";
constexpr const char* kAccept = " bpf bytecode '1,6 0 0 0' da";  // TC_ACT_OK

Change<Attachment> uplink_in(BpfDatapath& datapath) {
  return {
      .key = {.dev = "eth0", .ingress = true},
      .value = {.program = "pell_uplink_in", .tag = datapath.program_tags().at("pell_uplink_in")}};
}

// A program that returns 0 for every packet: TC_ACT_OK for a filter, TCX_PASS for a tcx program.
FileDescriptor accepting_program() {
  const bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  FileDescriptor program(
      bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "others_tcx", "GPL", code, 2, nullptr));
  REQUIRE(program);
  return program;
}

// Pinned, so that tc can attach it.
class OthersProgram {
 public:
  OthersProgram() {
    shell("mkdir -p " + pins_.path());
    REQUIRE(bpf_obj_pin(program_.get(), pin().c_str()) == 0);
  }
  ~OthersProgram() { shell("rm " + pin()); }
  std::string pin() const { return pins_.path() + "/program"; }
  int fd() const { return program_.get(); }

 private:
  FileDescriptor program_ = accepting_program();
  PinFolder pins_;
};

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS of Linux 6.6

bool has_tcx() {
  uint32_t count = 0;
  return bpf_prog_query(1, kTcxIngress, 0, nullptr, nullptr, &count) == 0;
}

uint64_t runs_of(uint32_t id) {
  const FileDescriptor program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  uint32_t size = sizeof info;
  REQUIRE(bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0);
  return info.run_cnt;
}

// A device with Pellicle's program, a peer device that sends packets to it, and the kernel's run
// count per program.
class Uplink {
 public:
  Uplink() {
    shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    shell("ip link add eth0 type veth peer name other && ip link set eth0 up");
    shell("ip link set other up && ip addr add 192.0.2.1/24 dev other");
    shell("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev other");
    shell("sysctl -qw kernel.bpf_stats_enabled=1");
    datapath_.apply(uplink_in(datapath_));
  }

  Hook hook() {
    KernelState state;
    datapath_.dump(state);
    const auto hooks = datapath_.hooks(state);
    REQUIRE(hooks.size() == 1);
    CHECK(hooks[0].dev == "eth0");
    CHECK(hooks[0].ingress);
    REQUIRE(hooks[0].ours() != nullptr);
    CHECK(hooks[0].ours()->program == "pell_uplink_in");
    CHECK(hooks[0].ours()->tag == datapath_.program_tags().at("pell_uplink_in"));
    return hooks[0];
  }

  // Does Pellicle's program see a packet? It must exactly when no program is reported ahead of it.
  bool reached() {
    const uint64_t before = runs_of(hook().ours()->id);
    shell_status("ping -c 1 -W 0.2 192.0.2.2 > /dev/null");
    return runs_of(hook().ours()->id) > before;
  }

  // As dumped.
  Attachment attachment() {
    KernelState state;
    datapath_.dump(state);
    return state.attachments.at({.dev = "eth0", .ingress = true});
  }

  bool tcx_is_unchanged() { return datapath_.tcx_is_unchanged(); }

  void attach_anew() {
    auto change = uplink_in(datapath_);
    change.action = Action::replace;
    datapath_.apply(change);
  }

  void detach() {
    auto change = uplink_in(datapath_);
    change.action = Action::remove;
    datapath_.apply(change);
  }

 private:
  FreshNamespace node_;
  PinFolder pins_;
  BpfDatapath datapath_{pins_.path()};
};

}  // namespace

TEST_CASE("hooks: of two filters with our priority the newer one runs first") {
  Uplink uplink;
  CHECK(uplink.hook().ahead().empty());
  CHECK(uplink.reached());
  shell(std::string(kOthers) + "prio 1 handle 2" + kAccept);
  shell(std::string(kOthers) + "prio 1 handle 3" + kAccept);
  const auto ahead = uplink.hook().ahead();
  REQUIRE(ahead.size() == 2);
  CHECK(ahead[0] == HookEntry{.kind = "bpf", .priority = 1, .handle = 3});
  CHECK(ahead[1].handle == 2);
  CHECK_FALSE(uplink.reached());
  CHECK(uplink.attachment().foremost == !has_tcx());
  if (has_tcx()) return;  // the test "ours moves to tcx" covers this case
  uplink.attach_anew();   // in place: the order stays
  CHECK(uplink.hook().ahead().size() == 2);
  CHECK_FALSE(uplink.reached());
  const auto problems = hook_problems({uplink.hook()});
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].object == "Device eth0");
  CHECK_THAT(problems[0].sentence, Contains("the classic BPF filter (priority 1, handle 0x3)"));
  shell("tc filter del dev eth0 ingress prio 1 handle 3 bpf");
  shell("tc filter del dev eth0 ingress prio 1 handle 2 bpf");
  CHECK(uplink.hook().ahead().empty());
  CHECK(uplink.reached());
}

TEST_CASE("hooks: filters of later priorities run behind ours, whatever their kind") {
  Uplink uplink;
  shell(std::string(kOthers) + "prio 2" + kAccept);
  shell("tc filter add dev eth0 ingress prio 7 protocol ip u32 match u32 0 0 classid 1:1");
  shell("tc filter add dev eth0 ingress chain 3 prio 1 protocol ip u32 match u32 0 0 classid 1:1");
  const auto hook = uplink.hook();
  CHECK(hook.ahead().empty());
  REQUIRE(hook.entries.size() == 3);
  CHECK(hook.entries[0].ours);
  CHECK(hook.entries[1].priority == 2);
  CHECK(hook.entries[2] == HookEntry{.kind = "u32", .priority = 7});
  CHECK(hook_problems({hook}).empty());
  CHECK(uplink.reached());
}

TEST_CASE("hooks: another kind of filter, or another protocol, cannot share our priority") {
  Uplink uplink;
  CHECK(shell_status("tc filter add dev eth0 ingress prio 1 protocol all u32 match u32 0 0") != 0);
  CHECK(shell_status("tc filter add dev eth0 ingress prio 1 protocol ip handle 2 "
                     "bpf bytecode '1,6 0 0 0' da") != 0);
  CHECK(uplink.hook().ahead().empty());
}

TEST_CASE("hooks: of another's eBPF program the name and the id are told") {
  Uplink uplink;
  const OthersProgram program;
  shell(std::string(kOthers) + "prio 1 handle 2 bpf da object-pinned " + program.pin());
  const auto ahead = uplink.hook().ahead();
  REQUIRE(ahead.size() == 1);
  CHECK(ahead[0].program == "others_tcx");
  CHECK(ahead[0].id != 0);
  CHECK(ahead[0].tag.size() == 16);
  CHECK_FALSE(uplink.reached());
}

TEST_CASE("hooks: tcx programs run ahead of every filter, where the kernel has them") {
  Uplink uplink;
  const OthersProgram program;
  const auto device = static_cast<int>(if_nametoindex("eth0"));
  if (!has_tcx()) {
    CHECK(bpf_prog_attach(program.fd(), device, kTcxIngress, 0) == -EINVAL);
    CHECK(uplink.hook().ahead().empty());
    return;
  }
  REQUIRE(bpf_prog_attach(program.fd(), device, kTcxIngress, 0) == 0);
  const auto ahead = uplink.hook().ahead();
  REQUIRE(ahead.size() == 1);
  CHECK(ahead[0].is_tcx());
  CHECK(ahead[0].program == "others_tcx");
  CHECK_FALSE(uplink.reached());
  CHECK_FALSE(uplink.attachment().foremost);
  uplink.attach_anew();
  CHECK(uplink.attachment().foremost);
  const auto entries = uplink.hook().entries;  // Pellicle's filter is gone
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].ours);
  CHECK(entries[1].program == "others_tcx");
  CHECK(uplink.reached());
  REQUIRE(bpf_prog_detach2(program.fd(), device, kTcxIngress) == 0);
  CHECK(uplink.hook().entries.size() == 1);
}

TEST_CASE("hooks: ours moves to tcx from behind another's filter, which stays and has its say") {
  Uplink uplink;
  if (!has_tcx()) return;  // the test "of two filters with our priority" covers this case
  const OthersProgram program;
  shell(std::string(kOthers) + "prio 1 handle 2 bpf da object-pinned " + program.pin());
  CHECK_FALSE(uplink.attachment().foremost);
  CHECK_FALSE(uplink.reached());
  const auto others_runs = runs_of(uplink.hook().entries[0].id);
  uplink.attach_anew();
  CHECK(uplink.attachment().foremost);
  auto entries = uplink.hook().entries;
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].ours);
  CHECK(entries[0].is_tcx());
  CHECK(entries[1].program == "others_tcx");
  CHECK(uplink.reached());
  CHECK(runs_of(entries[1].id) > others_runs);

  const auto before = entries[0].id;
  uplink.attach_anew();  // in place
  CHECK(uplink.hook().entries[0].is_tcx());
  CHECK(uplink.reached());
  CHECK(uplink.hook().entries[0].id == before);  // same agent, same program

  shell("tc filter del dev eth0 ingress prio 1");
  CHECK(uplink.hook().entries.size() == 1);
  uplink.detach();
  CHECK_THAT(shell("bpftool net show dev eth0"), !Contains("pell_"));
}

TEST_CASE("hooks: a move that was not finished is finished") {
  Uplink uplink;
  if (!has_tcx()) return;  // without tcx the program has only one place
  const FileDescriptor ours(bpf_prog_get_fd_by_id(uplink.hook().ours()->id));
  const auto device = static_cast<int>(if_nametoindex("eth0"));
  REQUIRE(bpf_prog_attach(ours.get(), device, kTcxIngress, 0) == 0);
  CHECK_FALSE(uplink.attachment().foremost);
  uplink.attach_anew();
  CHECK(uplink.attachment().foremost);
  const auto entries = uplink.hook().entries;
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].is_tcx());
  CHECK_THAT(shell("tc qdisc show dev eth0"), !Contains("clsact"));  // it had only our filter
}

TEST_CASE("hooks: a tcx program that comes or goes is noticed") {
  Uplink uplink;
  if (!has_tcx()) return;
  CHECK(uplink.hook().ahead().empty());
  CHECK(uplink.tcx_is_unchanged());
  const OthersProgram program;
  const auto device = static_cast<int>(if_nametoindex("eth0"));
  REQUIRE(bpf_prog_attach(program.fd(), device, kTcxIngress, 0) == 0);
  CHECK_FALSE(uplink.tcx_is_unchanged());
  uplink.hook();
  CHECK(uplink.tcx_is_unchanged());
  REQUIRE(bpf_prog_detach2(program.fd(), device, kTcxIngress) == 0);
  CHECK_FALSE(uplink.tcx_is_unchanged());
}

}  // namespace this_file
