// Commands in the guest, and waiting for their effects.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

namespace pellicle::lab {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

// The lab could not do what a test asked for: the operation and its output.
class LabError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Result {
  int status = 0;      // 124: the time limit; 128 + n: signal n
  std::string output;  // stdout and stderr together
  bool ok() const { return status == 0; }
};

// `limit` scaled to the guest's speed: times $PELLICLE_SLOWNESS, which is 10 with a stock kernel.
// All limits below, and Process's, are scaled like this.
Seconds patience(Seconds limit);

// A word quoted for /bin/sh.
std::string shell_word(const std::string& word);

// The tool of the back end that an agent chooses on a node without rules: nft, which User-Mode
// Linux lacks.
std::string iptables();   // "iptables-legacy"
std::string ip6tables();  // "ip6tables-legacy"

// Runs `command` with /bin/sh; kills it and its children after `limit`. A netfilter tool that fails
// on a kernel without tables ends the case as skipped (tests/harness/netfilter_tables.h).
Result sh(const std::string& command, Seconds limit = 60s);
// The same in the network namespace /run/netns/<netns>.
Result sh_in(const std::string& netns, const std::string& command, Seconds limit = 60s);

// The output of a command that must succeed; LabError with command and output if it fails.
std::string must(const std::string& command, Seconds limit = 60s);
std::string must_in(const std::string& netns, const std::string& command, Seconds limit = 60s);

// Checks `holds` every 20 ms until it is true; false after `limit`.
bool wait_until(const std::function<bool()>& holds, Seconds limit = 10s);

// The whole file; empty if it cannot be read.
std::string file_text(const std::string& path);
void write_file(const std::string& path, const std::string& text);  // LabError

}  // namespace pellicle::lab
