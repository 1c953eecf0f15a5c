// Everything that is asked for when something does not work, in one archive: what the agent says,
// what the kernel has, what others have put there. No key: states are listed without theirs, and
// what other programs print is searched for anything that looks like one.
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
  std::vector<std::string> files;  // further files to take in, such as logs
};

// Runs of 32 hexadecimal digits and more, with or without 0x, replaced by a remark: the shortest
// key of AES has as many.
std::string without_keys(std::string_view text);

// Path in the archive -> content. What could not be had has a sentence in its place.
std::map<std::string, std::string> sysdump_parts(const SysdumpOptions& options);

// Packs them with tar and gzip. std::runtime_error when that cannot be done.
void write_sysdump(const std::map<std::string, std::string>& parts, const std::string& archive);

}  // namespace pellicle::ctl
