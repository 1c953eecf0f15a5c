// What was looked at on a node before an agent runs there, and what stands in its way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pellicle {

enum class Verdict : uint8_t {
  ok,
  unknown,  // it cannot be found out here
  warn,     // an agent works with it, worse than it could
  fail      // what an agent is for does not work until it is put right
};
const char* verdict_name(Verdict verdict);  // "ok"

// The topics of findings, in the order of the screen.
inline constexpr const char* kKernelTopic = "Kernel";
inline constexpr const char* kCipherTopic = "Ciphers";
inline constexpr const char* kBpfTopic = "eBPF";
inline constexpr const char* kNetfilterTopic = "Netfilter";
inline constexpr const char* kSettingTopic = "Settings";
inline constexpr const char* kPortTopic = "Ports";
inline constexpr const char* kNetworkTopic = "Network";
inline constexpr const char* kClockTopic = "Clock";
inline constexpr const char* kApiTopic = "Kubernetes API";

struct Finding {
  std::string topic;  // "Kernel"
  std::string what;   // "module esp4"
  std::string found;  // "loadable"; never a key byte
  Verdict verdict = Verdict::ok;
  std::string remedy = {};  // one sentence; empty: nothing is to be done
  // No agent could do anything on this node as it is: nothing on it can be put right without
  // another kernel.
  bool hopeless = false;
};
using Findings = std::vector<Finding>;

void append(Findings& to, Findings more);
bool any_fails(const Findings& findings);
bool any_hopeless(const Findings& findings);
size_t count(const Findings& findings, Verdict verdict);

// The whole file; empty when it cannot be read.
std::string text_of(const std::string& path);

}  // namespace pellicle
