// What runs on the hooks of ours, and in which order: as the kernel tells it, and as packets see
// it.
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

// A program that says 0 to every packet: TC_ACT_OK of a filter, TCX_PASS of a tcx program.
FileDescriptor accepting_program() {
  const bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  FileDescriptor program(
      bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "others_tcx", "GPL", code, 2, nullptr));
  REQUIRE(program);
  return program;
}

// A device with our program, another end that packets come from, and the kernel counting how often
// a program runs.
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

  // Does our program see a packet? It must just when nothing is said to run ahead of it.
  bool reached() {
    const uint64_t before = runs();
    shell_status("ping -c 1 -W 0.2 192.0.2.2 > /dev/null");
    return runs() > before;
  }

  void attach_anew() {
    auto change = uplink_in(datapath_);
    change.action = Action::replace;
    datapath_.apply(change);
  }

 private:
  uint64_t runs() {
    const FileDescriptor program(bpf_prog_get_fd_by_id(hook().ours()->id));
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    REQUIRE(bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0);
    return info.run_cnt;
  }

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
  uplink.attach_anew();  // in place: the order stays
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
  const FileDescriptor program = accepting_program();
  PinFolder others;
  shell("mkdir -p " + others.path());
  const std::string pin = others.path() + "/program";
  REQUIRE(bpf_obj_pin(program.get(), pin.c_str()) == 0);
  shell(std::string(kOthers) + "prio 1 handle 2 bpf da object-pinned " + pin);
  const auto ahead = uplink.hook().ahead();
  REQUIRE(ahead.size() == 1);
  CHECK(ahead[0].program == "others_tcx");
  CHECK(ahead[0].id != 0);
  CHECK(ahead[0].tag.size() == 16);
  CHECK_FALSE(uplink.reached());
  shell("rm " + pin);
}

TEST_CASE("hooks: tcx programs run ahead of every filter, where the kernel has them") {
  Uplink uplink;
  const FileDescriptor program = accepting_program();
  const auto ingress = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS of Linux 6.6
  const auto device = static_cast<int>(if_nametoindex("eth0"));
  const int attached = bpf_prog_attach(program.get(), device, ingress, 0);
  if (attached == -EINVAL) {
    CHECK(uplink.hook().ahead().empty());
    return;  // an older kernel
  }
  REQUIRE(attached == 0);
  const auto ahead = uplink.hook().ahead();
  REQUIRE(ahead.size() == 1);
  CHECK(ahead[0].is_tcx());
  CHECK(ahead[0].program == "others_tcx");
  CHECK_FALSE(uplink.reached());
  REQUIRE(bpf_prog_detach2(program.get(), device, ingress) == 0);
  CHECK(uplink.hook().ahead().empty());
  CHECK(uplink.reached());
}

}  // namespace this_file
