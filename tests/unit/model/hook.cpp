#include "agent/model/hook.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

const HookEntry kOurs{.kind = "bpf",
                      .program = "pell_uplink_in",
                      .id = 12,
                      .tag = "0123456789abcdef",
                      .priority = 1,
                      .handle = 0x50656c6c,
                      .ours = true};
const HookEntry kClassic{.kind = "bpf", .priority = 1, .handle = 2};

std::vector<std::string> sentences(const std::vector<HookEntry>& entries) {
  std::vector<std::string> all;
  for (const auto& problem : hook_problems({{"eth0", true, entries}})) {
    all.push_back(problem.to_string());
  }
  return all;
}

}  // namespace

TEST_CASE("what runs behind our program is no problem, nor is a hook without ours") {
  CHECK(sentences({kOurs, kClassic}).empty());
  CHECK(sentences({kClassic}).empty());
  CHECK(sentences({}).empty());
}

TEST_CASE("each program that runs before ours is named, with what is skipped and what to do") {
  HookEntry program = kClassic;
  program.program = "observe_in";
  program.id = 57;
  const HookEntry tcx{.kind = "tcx", .program = "trace", .id = 9};
  CHECK(sentences({tcx, program, kClassic, kOurs}) ==
        std::vector<std::string>{
            "Device eth0 ingress: the tcx program trace (position 1, id 9) runs before "
            "pell_uplink_in; if it ends the decision (TCX_PASS), ours is skipped and ESP of other "
            "nodes is not decrypted; expected pell_uplink_in first: see `bpftool net show dev "
            "eth0`, and detach that program or let it return TCX_NEXT",
            "Device eth0 ingress: the eBPF program observe_in (priority 1, handle 0x2, id 57) runs "
            "before pell_uplink_in; if it ends the decision (TC_ACT_OK), ours is skipped and ESP "
            "of other nodes is not decrypted; expected pell_uplink_in first: see `tc filter show "
            "dev eth0 ingress`, and remove that filter or move it to priority 2 or later",
            "Device eth0 ingress: the classic BPF filter (priority 1, handle 0x2) runs before "
            "pell_uplink_in; if it ends the decision (TC_ACT_OK), ours is skipped and ESP of other "
            "nodes is not decrypted; expected pell_uplink_in first: see `tc filter show dev eth0 "
            "ingress`, and remove that filter or move it to priority 2 or later"});
}

TEST_CASE("a filter of another kind is named by its kind") {
  const auto said = sentences({{.kind = "u32", .priority = 1}, kOurs});
  REQUIRE(said.size() == 1);
  CHECK_THAT(said[0], Catch::StartsWith("Device eth0 ingress: the u32 filter (priority 1) runs "));
}

}  // namespace this_file
