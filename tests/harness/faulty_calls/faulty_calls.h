// A misbehaving kernel: system calls of this process fail on demand, whichever library makes them.
// A program that links pellicle_faulty_calls uses FaultyCalls. A program started with LD_PRELOAD
// reads the file named by $PELLICLE_FAULTY_CALLS at each call: "CALL ERRNO EVERY", for example "3
// 12 1".
#pragma once

#include <cstddef>

namespace pellicle {

enum class FaultyCall : int {
  none,
  send,        // of a netlink request: the kernel does not get it
  receive,     // of netlink messages: with ENOBUFS and ENOMEM they are lost, else they stay queued
  bpf,         // bpf(2): the kernel does not get it
  store_peer,  // only bpf(2) calls that write an entry into an LPM trie
  interrupt,   // no call fails, but netlink dump answers are marked as inconsistent
};

// During its lifetime, every n-th call of the kind fails with this errno. One at a time.
class FaultyCalls {
 public:
  FaultyCalls(FaultyCall call, int error, unsigned every);
  ~FaultyCalls();
  FaultyCalls(const FaultyCalls&) = delete;
  FaultyCalls& operator=(const FaultyCalls&) = delete;

  size_t failed() const;  // so far
};

}  // namespace pellicle
