// Every frame on every node's cable, looked at as it passes: nothing is kept, so it may go on for
// as long as it likes.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "agent/kernel/file_descriptor.h"
#include "tests/harness/lab/pcap.h"
#include "tests/soak/ledger.h"

namespace pellicle::soak {

class Tap {
 public:
  // Listens on every device of this namespace, those to come as well: a cable's other end is here
  // before its node can send. `nodes` are all that there will ever be. A finding for each packet
  // that is not encrypted, and for frames that the kernel had no room for. Throws LabError.
  Tap(std::vector<lab::NodeAddresses> nodes, Ledger& ledger);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  uint64_t esp() const { return esp_; }              // frames, each once on every cable
  uint64_t cleartext() const { return cleartext_; }  // frames

 private:
  void listen();
  void look_at(lab::Packet packet);
  void ask_for_losses();

  std::vector<lab::NodeAddresses> nodes_;
  Ledger& ledger_;
  FileDescriptor socket_;
  std::atomic<uint64_t> esp_ = 0;
  std::atomic<uint64_t> cleartext_ = 0;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace pellicle::soak
