// Which of the agent's problems become Events on its own Node, for the cluster's operator.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "agent/clock.h"
#include "agent/kube/node_events.h"
#include "agent/pods/pod_addresses.h"
#include "agent/reconcile/kernel.h"

namespace pellicle {

// A kind of problem: which problems it covers, and what the Event says.
struct EventReason {
  const char* reason;  // the Event's
  // Prefixes of Problem::object and Problem::field. This node's own objects are written here as
  // "Node self" and "File state". The first matching row applies.
  const char* object;
  const char* field;
  std::chrono::seconds patience;  // minimum age of a problem, so that short ones make no Event
  const char* remedy;             // added to the problems' sentences; may be empty
};

// All reasons in matching order; also their documentation.
std::span<const EventReason> event_reasons();

// Everything that is wrong now.
struct Troubles {
  std::string node;                                   // name of this node
  std::string state_dir;                              // directory whose files are "File state"
  std::map<Problem, WallClock::time_point> problems;  // value: when each was first seen
  bool key_taken = false;  // the Secret's key is in use: problems of its fields are advice
  std::vector<Problem> kernel_lacks;  // see KernelSupport
  std::vector<Refusal> refusals;      // of the last pass
  std::string failure;                // of the last pass
  std::vector<PoolUse> pools;
};

// At most one Event per reason: the first of its problems in full, and the objects of the others.
// Pure.
std::vector<NodeEvent> problem_events(const Troubles& troubles, WallClock::time_point now);

// Limits for one node of thousands: the same Event once an hour, which is how long the API keeps
// Events; another of the same reason once a minute. The end of a problem is reported.
inline constexpr EventManners kAgentManners{.again = std::chrono::hours(1),
                                            .similar = std::chrono::minutes(1),
                                            .refill = std::chrono::minutes(5),
                                            .tells_end = true};

}  // namespace pellicle
