// The measurements, each in its own process and network namespace. Times in milliseconds.
#pragma once

#include "tests/bench/scale/cluster.h"

namespace pellicle::bench {

// The parts of a pass, as agent/passes.cpp makes it.
struct PassParts {
  double dump = 0;
  double gather = 0;  // the inputs: Nodes, host facts, programmed objects
  double compute = 0;
  double plan = 0;
  double apply = 0;
  double all() const { return dump + gather + compute + plan + apply; }
};

// Times by kind of object. `rest`: all that belongs to no kind of peers' objects.
struct Kinds {
  double states = 0;
  double policies = 0;
  double peers = 0;
  double routes = 0;
  double netfilter = 0;  // the tools that it runs
  double rest = 0;
  double of_peers() const { return states + policies + peers + routes; }
  double all() const { return of_peers() + netfilter + rest; }
};

struct Memory {
  double before = 0;  // MiB, resident before the first pass
  double now = 0;
  double most = 0;
};

// From an empty kernel: no device, no pin. Then a restart with everything in place, then one more
// peer at a time.
struct Life {
  PassParts first;
  Memory memory;
  double load = 0;  // of the eBPF programs, once a process; not part of `restart`
  PassParts restart;
  Kinds first_dump;  // of a process that has loaded the programs and read nothing yet
  Kinds dump;        // of a process that has read before
  Kinds floor_dump;
  PassParts one_more;
};
Life measure_life(size_t peers, KeyForm form);

// Adds the peers to a node without any: the same operations by the plan's apply, by the floor and
// by `ip -batch`.
struct Addition {
  PassParts without;  // the pass before, without peers
  PassParts pass;     // `apply` is the sum of all kinds
  Kinds apply;
};
Addition measure_addition(size_t peers, KeyForm form);
Kinds measure_floor(size_t peers, KeyForm form);
double measure_ip(size_t peers, KeyForm form);

// From one key to the next: the passes that install it, switch to it and retire the old one; and
// the same messages by the floor, all kinds together.
struct Rotation {
  double dump = 0;
  double compute = 0;  // includes the plan
  double apply = 0;
  double floor = 0;
};
Rotation measure_rotation(size_t peers, KeyForm form);

}  // namespace pellicle::bench
