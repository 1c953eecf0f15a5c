#include "agent/model/hook.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace pellicle {

namespace {

// What does not happen when a program of ours is skipped.
const char* loss(const std::string& program) {
  static const std::map<std::string, const char*> kLosses = {
      {"pell_uplink_in", "ESP of other nodes is not decrypted"},
      {"pell_l3_in", "ESP of other nodes is not decrypted"},
      {"pell_uplink_out", "packets in the clear are neither dropped nor counted here"},
      {"pell_l3_out", "packets in the clear are neither dropped nor counted here"},
      {"pell_net_in", "ESP does not leave for other nodes"},
      {"pell_host_out", "packets do not reach local pods"},
      {"pell_lxc_in", "what the pod sends is not marked for encryption"}};
  const auto found = kLosses.find(program);
  return found == kLosses.end() ? "its packets are not looked at" : found->second;
}

std::string hexadecimal(uint32_t number) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (; number != 0; number /= 16) text.insert(text.begin(), kDigits[number % 16]);
  return "0x" + (text.empty() ? "0" : text);
}

std::string filter_words(const HookEntry& entry) {
  std::string text = "the " + entry.kind + " filter";
  if (entry.id != 0) text = "the eBPF program " + entry.program;
  if (entry.id == 0 && entry.kind == "bpf") text = "the classic BPF filter";
  text += " (priority " + std::to_string(entry.priority);
  if (entry.handle != 0) text += ", handle " + hexadecimal(entry.handle);
  return text + (entry.id == 0 ? ")" : ", id " + std::to_string(entry.id) + ")");
}

Problem problem(const Hook& hook, const HookEntry& other, size_t position) {
  const auto& own = hook.ours()->program;
  const std::string look = hook.dev + " " + hook.direction();
  std::string text = other.is_tcx()
                         ? "the tcx program " + other.program + " (position " +
                               std::to_string(position) + ", id " + std::to_string(other.id) + ")"
                         : filter_words(other);
  text += " runs before " + own + "; if it ends the decision (" +
          (other.is_tcx() ? "TCX_PASS" : "TC_ACT_OK") + "), ours is skipped and " + loss(own) +
          "; expected " + own + " first: ";
  if (other.is_tcx()) {
    text += "see `bpftool net show dev " + hook.dev +
            "`, and detach that program or let it return TCX_NEXT";
  } else {
    text += "see `tc filter show dev " + look +
            "`, and remove that filter or move it to priority " +
            std::to_string(hook.ours()->priority + 1) + " or later";
  }
  return {"Device " + hook.dev, hook.direction(), text};
}

}  // namespace

const HookEntry* Hook::ours() const {
  const auto own = std::find_if(entries.begin(), entries.end(),
                                [](const HookEntry& entry) { return entry.ours; });
  return own == entries.end() ? nullptr : &*own;
}

std::vector<HookEntry> Hook::ahead() const {
  if (ours() == nullptr) return {};
  return {entries.data(), ours()};
}

std::vector<Problem> hook_problems(const std::vector<Hook>& hooks) {
  std::vector<Problem> problems;
  for (const Hook& hook : hooks) {
    size_t position = 0;
    for (const HookEntry& other : hook.ahead())
      problems.push_back(problem(hook, other, ++position));
  }
  return problems;
}

}  // namespace pellicle
