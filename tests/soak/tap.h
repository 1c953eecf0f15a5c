// Inspects every frame on every node's cable as it passes and keeps none, so a run may have any
// length.
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
  // Listens on all current and future devices of this namespace; a cable's end is here before its
  // node can send. `nodes`: all nodes of the run. Adds a finding for each clear-text packet of a
  // pod, and for frames that the kernel had no buffer for. Throws LabError.
  Tap(std::vector<lab::NodeAddresses> nodes, Ledger& ledger);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  uint64_t esp() const { return esp_; }              // frames, counted once per cable
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
  std::jthread thread_;  // last: it uses the members above
};

}  // namespace pellicle::soak
