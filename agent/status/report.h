// What `pellicle status` is told: facts in, JSON out. The field names are an interface; additions
// only.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/desired/desired.h"
#include "agent/forgery_watch.h"
#include "agent/health/paths.h"
#include "agent/model/drop_count.h"
#include "agent/model/key_ring.h"
#include "agent/passes.h"
#include "agent/pods.h"
#include "agent/reconcile/reconciler.h"

namespace pellicle {

// One thing that is watched at the API server.
struct SourceHealth {
  std::string name;      // "nodes", "secret kube-system/cilium-ipsec-keys"
  bool synced = false;   // has listed completely once
  bool healthy = false;  // is being watched now
  Clock::time_point since{};
  std::string sentence;   // what is wrong, in the server's or the library's words
  uint64_t troubles = 0;  // how often the watch had to begin anew
};

// What the container runtime was given.
struct CniFacts {
  std::string file;  // the configuration list's path
  bool installed = false;
  std::vector<std::string> chained;  // plugins called after ours
  std::vector<std::string> others;   // file names of other CNIs' configurations beside it
};

// Something the agent keeps doing.
struct Controller {
  std::string name;     // "watch nodes"
  bool healthy = true;  // it did so the last time; else `problems` or `refusals` say why not
};

struct StatusFacts {
  std::string node_name;
  Clock::time_point started{};
  std::string server;  // the API server's address
  std::vector<SourceHealth> sources;
  KeyRing keys;  // reported without a byte of them
  Sender sender;
  bool host_encryption = false;
  ClearText strict_ingress = ClearText::is_dropped;
  Cluster cluster;
  size_t endpoints = 0;
  std::vector<PoolUse> pools;  // empty: no address can be given out yet
  CniFacts cni;
  ClusterHealth health;
  std::vector<Controller> controllers;
  std::optional<Cidr> native_cidr;  // what pods send beyond it is masqueraded; none: nothing is
  std::optional<Cidr> native_cidr6;
  bool direct_routes = true;                      // false: others make those to the peers' pods
  std::map<Problem, Clock::time_point> problems;  // with the time each was first seen
  std::vector<Refusal> refusals;                  // of the last pass
  std::string failure;                            // the last pass could not be made at all
  Clock::time_point failing_since{};              // of refusals or failure
  std::map<std::string, size_t> objects;          // desired, by table
  uint64_t passes = 0;
  uint64_t peer_changes = 0;
  PassTimes times;
  Clock::time_point last_change{};
  std::map<std::string, DropCount> drops;  // by reason
  std::vector<ToldForgery> forgeries;      // those that happened last, in any order
  bool ready = false;
};

nlohmann::ordered_json status_json(const StatusFacts& facts);

}  // namespace pellicle
