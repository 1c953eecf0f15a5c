// Collects everything that support needs into one archive: the agent's answers, the kernel's
// objects, and those of other programs. Contains no keys: states are listed without theirs, and
// text that looks like a key is removed from the output of other programs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pellicle::ctl {

struct SysdumpOptions {
  std::string archive;  // "-": standard output
  std::string socket;
  std::string state_dir;
  std::string bpf_root;
  std::vector<std::string> files;  // additional files, such as logs
};

// Replaces runs of 32 or more hexadecimal digits, with or without 0x, by a remark: the shortest AES
// key has 32.
std::string without_keys(std::string_view text);

// Path in the archive -> content. A part that failed contains a sentence instead.
std::map<std::string, std::string> sysdump_parts(const SysdumpOptions& options);

// Packs the parts with tar and gzip. Throws std::runtime_error on failure.
void write_sysdump(const std::map<std::string, std::string>& parts, const std::string& archive);

}  // namespace pellicle::ctl
