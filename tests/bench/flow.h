// Traffic from one network namespace to another, as fast as it goes.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "agent/kernel/file_descriptor.h"

namespace pellicle::bench {

// From one pod to another, by a TCP connection and by datagrams. Both ends are sockets of this
// process: so two flows can take turns many times a second, and whatever else the machine does
// falls on both.
class Flow {
 public:
  // Between /run/netns/<from> and /run/netns/<to>; `address` is one of the latter, or is translated
  // to one.
  Flow(const std::string& from, const std::string& to, const std::string& address);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // Bytes a second, until the last is read.
  double tcp();
  // Datagrams of 64 bytes a second that come to the receiver's eth0. (What its socket has no room
  // for was delivered all the same.)
  double datagrams();
  // The connection's segment, in bytes.
  unsigned segment() const;

 private:
  void read_all();
  double packets_received() const;

  FileDescriptor far_end_;  // of the connection
  FileDescriptor connection_;
  FileDescriptor far_datagrams_;
  FileDescriptor datagrams_;
  FileDescriptor counters_;  // /proc/net/dev of the receiver
  std::atomic<size_t> read_ = 0;
  size_t written_ = 0;
  std::thread reader_;
};

}  // namespace pellicle::bench
