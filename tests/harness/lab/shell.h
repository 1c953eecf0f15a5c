// Commands in the guest, and waiting for what they bring about.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

namespace pellicle::lab {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;

// The lab could not do what a test asked of it: the operation and what it said.
class LabError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Result {
  int status = 0;      // 124: the time limit; 128 + n: signal n
  std::string output;  // stdout and stderr together
  bool ok() const { return status == 0; }
};

// `limit`, for a guest of this speed: times $PELLICLE_SLOWNESS, which is 10 with a stock kernel.
// The limits of all that follows, and of Process, are such.
Seconds patience(Seconds limit);

// A word as /bin/sh reads it back.
std::string shell_word(const std::string& word);

// The tool of the back end that an agent takes on a node where nobody has rules yet: nft's, which
// User-Mode Linux has not.
std::string iptables();   // "iptables-legacy"
std::string ip6tables();  // "ip6tables-legacy"

// Runs `command` with /bin/sh; ends it and what it started after `limit`.
Result sh(const std::string& command, Seconds limit = 60s);
// The same in the network namespace /run/netns/<netns>, with everything else as it is here.
Result sh_in(const std::string& netns, const std::string& command, Seconds limit = 60s);

// The output of a command that has to succeed; LabError with command and output when it does not.
std::string must(const std::string& command, Seconds limit = 60s);
std::string must_in(const std::string& netns, const std::string& command, Seconds limit = 60s);

// Asks `holds` every 20 ms until it does; false once `limit` is over.
bool wait_until(const std::function<bool()>& holds, Seconds limit = 10s);

// The whole file; empty when it cannot be read.
std::string file_text(const std::string& path);
void write_file(const std::string& path, const std::string& text);  // LabError

}  // namespace pellicle::lab
