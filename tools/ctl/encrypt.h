// `pellicle encrypt`: the ESP states of this node, from its agent or, without one, from the kernel.
// Each function returns the exit status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace pellicle::ctl {

struct EncryptOptions {
  std::string socket;  // the agent's
  bool json = false;
  bool verbose = false;
  std::optional<uint32_t> spi;  // flush: only states with this SPI
  bool stale = false;           // flush: only states that are not desired
  bool force = false;           // flush, export: without confirmation
};

int show_encryption(const EncryptOptions& options);

// Removes only Pellicle's states, and shows which before it asks. A running agent removes them
// itself, and makes the desired ones again at once.
int flush_encryption(const EncryptOptions& options);

// Prints the keys in Wireshark's format. Nothing else in Pellicle prints keys.
int export_for_wireshark(const EncryptOptions& options);

}  // namespace pellicle::ctl
