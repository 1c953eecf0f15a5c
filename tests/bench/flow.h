// Traffic between two network namespaces at full speed.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "agent/kernel/file_descriptor.h"

namespace pellicle::bench {

// A TCP connection and datagrams from one pod to another. Both ends are sockets of this process, so
// two flows can take turns many times a second, and other load on the machine affects both equally.
class Flow {
 public:
  // Between /run/netns/<from> and /run/netns/<to>. `address` belongs to <to>, or is translated to
  // such an address.
  Flow(const std::string& from, const std::string& to, const std::string& address);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // Bytes a second, until the receiver has read the last one.
  double tcp();
  // Datagrams of 64 bytes a second that reach the receiver's eth0. (A datagram that its socket has
  // no room for was delivered all the same.)
  double datagrams();
  // The connection's segment size, in bytes.
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
