// `pellicle encrypt`: the ESP states of this node, through its agent or, where none runs, straight
// from the kernel. Each returns the exit status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pellicle::ctl {

struct EncryptOptions {
  std::string socket;  // the agent's
  bool json = false;
  bool verbose = false;
  std::optional<uint32_t> spi;  // flush: only states with it
  bool stale = false;           // flush: only states that nothing desires
  bool force = false;           // flush, export: do not ask
};

int show_encryption(const EncryptOptions& options);

// Removes states of ours, and no others; says which before it asks. A running agent removes them
// itself, and makes anew at once what is desired.
int flush_encryption(const EncryptOptions& options);

// Prints the keys as Wireshark reads them; nothing else of Pellicle does.
int export_for_wireshark(const EncryptOptions& options);

}  // namespace pellicle::ctl
