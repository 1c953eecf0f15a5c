// What of the agent's problems a cluster's operator must know: Events on this node's own Node.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/kube/node_events.h"
#include "agent/passes.h"
#include "agent/pod_addresses.h"

namespace pellicle {

// A kind of trouble: which problems are of it, and what is said of them.
struct EventReason {
  const char* reason;  // the Event's
  // Begins of Problem::object and Problem::field. This node's own objects are written here as
  // "Node self" and "File state"; the first row that matches is taken.
  const char* object;
  const char* field;
  std::chrono::seconds patience;  // it must have stood this long: what ends by itself is not told
  const char* remedy;             // what the sentences of such problems do not say; may be empty
};

// All of them, in the order of looking: the documentation of the reasons.
std::span<const EventReason> event_reasons();

// Everything that is wrong now.
struct Troubles {
  std::string node;                               // this one
  std::string state_dir;                          // the one whose files are state
  std::map<Problem, Clock::time_point> problems;  // with the time each was first seen
  bool key_taken = false;             // the Secret's key is in use: what is said of it is advice
  std::vector<Problem> kernel_lacks;  // see KernelSupport
  std::vector<Refusal> refusals;      // of the last pass
  std::string failure;                // of the last pass
  std::vector<PoolUse> pools;
};

// At most one Event a reason: the first of its problems in full, and of what the others are. Pure.
std::vector<NodeEvent> problem_events(const Troubles& troubles, Clock::time_point now);

// As befits one node of thousands: the same once an hour, which is how long the API keeps Events,
// another of the same reason once a minute, and the end is told.
inline constexpr EventManners kAgentManners{.again = std::chrono::hours(1),
                                            .similar = std::chrono::minutes(1),
                                            .refill = std::chrono::minutes(5),
                                            .tells_end = true};

}  // namespace pellicle
