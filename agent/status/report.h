// JSON for `pellicle status`. The field names are an interface: only add fields.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/cluster_watch.h"
#include "agent/core/forgery_watch.h"
#include "agent/core/passes.h"
#include "agent/desired/desired.h"
#include "agent/health/paths.h"
#include "agent/model/drop_count.h"
#include "agent/model/key_ring.h"
#include "agent/pods/pod_addresses.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle {

// The CNI configuration that the container runtime reads.
struct CniFacts {
  std::string file;  // the configuration list's path
  bool installed = false;
  std::vector<std::string> versions;  // of CNI that it offers, the oldest first
  std::vector<std::string> chained;   // plugins called after ours
  std::vector<std::string> missing;   // plugins that would be, were their binaries there
  std::vector<std::string> others;    // file names of other CNIs' configurations beside it
};

// A recurring task of the agent.
struct Controller {
  std::string name;     // "watch nodes"
  bool healthy = true;  // its last run succeeded; else `problems` or `refusals` say why not
};

struct StatusFacts {
  std::string node_name;
  WallClock::time_point started{};
  std::string server;  // the API server's address
  std::vector<SourceHealth> sources;
  KeyRing keys;  // the JSON contains no key bytes
  Sender sender;
  bool host_encryption = false;
  ClearText strict_ingress = ClearText::is_dropped;
  Cluster cluster;
  size_t endpoints = 0;
  std::vector<PoolUse> pools;  // empty: the agent cannot allocate addresses yet
  CniFacts cni;
  ClusterHealth health;
  std::vector<Controller> controllers;
  // Packets from pods to addresses outside it are masqueraded; nullopt: none are.
  std::optional<Cidr> native_cidr;
  std::optional<Cidr> native_cidr6;
  bool direct_routes = true;  // false: another component makes the routes to peers' pods
  std::map<Problem, WallClock::time_point> problems;  // with the time each was first seen
  std::vector<Refusal> refusals;                      // of the last pass
  std::string failure;                                // why the last pass failed as a whole
  WallClock::time_point failing_since{};              // since when there are refusals or a failure
  std::map<std::string, size_t> objects;              // number of desired objects by table
  uint64_t passes = 0;
  uint64_t peer_changes = 0;
  PassTimes times;
  WallClock::time_point last_change{};
  std::map<std::string, DropCount> drops;  // by reason
  std::vector<ToldForgery> forgeries;      // the most recent ones, in no order
  bool ready = false;
};

nlohmann::ordered_json status_json(const StatusFacts& facts);

}  // namespace pellicle
