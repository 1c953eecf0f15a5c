// Traffic from one network namespace to another, as fast as it goes.
#pragma once

#include <optional>
#include <string>

#include "tests/harness/lab/process.h"

namespace pellicle::bench {

// Someone to send to: takes TCP connections, reads them to their end and closes them; takes
// datagrams. The other end runs beside it as `bench-datapath send ...`.
class Receiver {
 public:
  // In /run/netns/<netns>, at `address`.
  Receiver(std::string netns, std::string address);

  // Bytes a second of one connection from `netns`, until the last is acknowledged.
  double tcp(const std::string& netns, double seconds);
  // Datagrams of 64 bytes a second that come to the receiver's eth0. (What its socket has no room
  // for was delivered all the same.)
  double datagrams(const std::string& netns, double seconds);
  // The segment that a connection from `netns` uses, in bytes.
  unsigned segment(const std::string& netns);

 private:
  std::string send(const std::string& netns, const std::string& what, double seconds);
  std::string netns_;
  std::string address_;
  lab::Process process_;
};

// The two ends as programs: `receive ADDRESS` and `send tcp|datagrams ADDRESS SECONDS`, which
// prints what it came to. The exit status; no value: it is none of the two.
std::optional<int> flow_program(int argc, char** argv);

}  // namespace pellicle::bench
