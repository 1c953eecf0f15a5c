// A kernel that does not answer as it should: system calls of this process that fail on demand, in
// whatever library they are made. A program that links pellicle_faulty_calls is told by
// FaultyCalls; one that is started with LD_PRELOAD reads the file that $PELLICLE_FAULTY_CALLS
// names, each time anew: "CALL ERRNO EVERY", as "3 12 1".
#pragma once

#include <cstddef>

namespace pellicle {

enum class FaultyCall : int {
  none,
  send,        // of a netlink request: the kernel does not get it
  receive,     // of netlink messages: with ENOBUFS and ENOMEM they are lost, else they stay there
  bpf,         // bpf(2): the kernel does not get it
  store_peer,  // of bpf(2) the writing of an entry into an LPM trie alone
  interrupt,   // none fails, but what a netlink dump answers is said to be inconsistent
};

// While it lives, every n-th call of the kind fails with this errno. One at a time.
class FaultyCalls {
 public:
  FaultyCalls(FaultyCall call, int error, unsigned every);
  ~FaultyCalls();
  FaultyCalls(const FaultyCalls&) = delete;
  FaultyCalls& operator=(const FaultyCalls&) = delete;

  size_t failed() const;  // so far
};

}  // namespace pellicle
