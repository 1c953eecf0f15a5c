// Shared by the kernel tests of pods, eBPF programs and netfilter: a network namespace per case,
// and the kernel as `ip`, `tc` and `iptables` show it.
#pragma once

#include <string>

#include "agent/kernel/netns.h"

namespace pellicle::contract {

// Runs a command line in the shell and returns its stdout. A status other than 0 fails the test.
std::string shell(const std::string& command_line);
// Returns the exit status only; nothing is printed.
int shell_status(const std::string& command_line);

// Moves the calling thread to a fresh network namespace with `lo` up until the end of the case.
class FreshNamespace {
 public:
  FreshNamespace();
  ~FreshNamespace();
  FreshNamespace(const FreshNamespace&) = delete;
  FreshNamespace& operator=(const FreshNamespace&) = delete;

 private:
  Netns before_ = Netns::of_this_thread();
};

// A named namespace (/run/netns/<name>), as a container runtime makes one for a pod.
class NamedNamespace {
 public:
  explicit NamedNamespace(std::string name);
  ~NamedNamespace();
  NamedNamespace(const NamedNamespace&) = delete;
  NamedNamespace& operator=(const NamedNamespace&) = delete;

  std::string path() const { return "/run/netns/" + name_; }
  std::string shell(const std::string& command_line) const;  // run inside

 private:
  std::string name_;
};

// A folder path on the bpf file system. The folder does not exist yet and is removed at the end.
class PinFolder {
 public:
  PinFolder();
  ~PinFolder();
  PinFolder(const PinFolder&) = delete;
  PinFolder& operator=(const PinFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string listing() const;  // names in it, one line each, sorted; empty if it does not exist

 private:
  std::string path_;
};

}  // namespace pellicle::contract
