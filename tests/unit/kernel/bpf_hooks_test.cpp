#include "agent/kernel/bpf_hooks.h"

#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>

#include "agent/kernel/bpf_tc.h"
#include "agent/kernel/netlink_message.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

struct Sample {
  std::string kind = "bpf";
  uint16_t priority = 1;
  uint32_t handle = 2;
  std::string name = {};
  uint32_t id = 0;
  uint32_t chain = 0;
};

std::optional<HookEntry> decoded(const Sample& sample) {
  NetlinkMessage message(RTM_NEWTFILTER, 0);
  tcmsg header{};
  header.tcm_handle = sample.handle;
  header.tcm_info = uint32_t{sample.priority} << 16;
  message.header(header);
  message.put_text(TCA_KIND, sample.kind);
  message.put(TCA_CHAIN, sample.chain);
  nlattr* options = message.begin_nest(TCA_OPTIONS);
  if (!sample.name.empty()) message.put_text(TCA_BPF_NAME, sample.name);
  if (sample.id != 0) message.put(TCA_BPF_ID, sample.id);
  const uint8_t tag[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
  if (sample.id != 0) message.put_bytes(TCA_BPF_TAG, tag, sizeof tag);
  message.end_nest(options);
  return decode_filter(message.get());
}

}  // namespace

TEST_CASE("our filter is told by its place and its program") {
  const Sample ours{.handle = kFilterHandle, .name = "pell_uplink_in", .id = 12};
  CHECK(decoded(ours) == HookEntry{.kind = "bpf",
                                   .program = "pell_uplink_in",
                                   .id = 12,
                                   .tag = "0123456789abcdef",
                                   .priority = 1,
                                   .handle = kFilterHandle,
                                   .ours = true});
  for (auto change :
       {+[](Sample& other) { other.name = "somebody"; }, +[](Sample& other) { other.handle = 3; },
        +[](Sample& other) { other.priority = 2; }, +[](Sample& other) { other.id = 0; }}) {
    Sample other = ours;
    change(other);
    CHECK_FALSE(decoded(other).value().ours);
  }
}

TEST_CASE("classic BPF has no program, and a filter of another kind is told once") {
  CHECK(decoded({}) == HookEntry{.kind = "bpf", .priority = 1, .handle = 2});
  CHECK(decoded({.kind = "u32", .priority = 7, .handle = 0}) ==
        HookEntry{.kind = "u32", .priority = 7});
  CHECK_FALSE(decoded({.kind = "u32", .priority = 7, .handle = 0x80000800}));
}

TEST_CASE("the head of a priority's filters, another chain and a short message are no filter") {
  CHECK_FALSE(decoded({.handle = 0}));
  CHECK_FALSE(decoded({.chain = 1}));
  NetlinkMessage message(RTM_NEWTFILTER, 0);
  CHECK_FALSE(decode_filter(message.get()));
}

}  // namespace this_file
