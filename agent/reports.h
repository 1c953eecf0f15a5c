// What the agent tells: the command line, kubelet, Prometheus, and readers of Events.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "agent/announcer.h"
#include "agent/config.h"
#include "agent/core/cluster_watch.h"
#include "agent/core/key_rotation.h"
#include "agent/core/passes.h"
#include "agent/health/probes.h"
#include "agent/http/health_server.h"
#include "agent/kernel_review.h"
#include "agent/pods/pod_service.h"
#include "agent/problem_events.h"
#include "agent/problem_log.h"
#include "agent/status/report.h"
#include "agent/status/state_use.h"

namespace pellicle {

class Reports {
 public:
  struct Parts {
    const Config& config;
    const std::string& server;  // the API server's address
    LinuxKernel& kernel;
    const Store& store;
    Core& core;
    Passes& passes;
    const KeyRotation& rotation;
    const Endpoints& endpoints;
    PodService& pods;
    const Probes& probes;
    const Announcer& announcer;
    const ClusterWatch& cluster_watch;
    KernelReview& review;
    StateUse& use;
    ProblemLog& problems;
  };
  explicit Reports(const Parts& parts) : parts_(parts) {}

  // Collects the problems of all parts. Returns true if one came or went.
  bool note_problems();
  Troubles troubles() const;  // for Events

  // The answers to `pellicle status`, `diff`, `encrypt status` and `encrypt flush`. Call
  // note_problems() before status() and metrics(). diff() throws RequestError before the first
  // complete pass; the last two throw KernelError.
  nlohmann::json status();
  nlohmann::json diff();
  nlohmann::json encryption();
  nlohmann::json flush_states(const nlohmann::json& params);

  HealthServer::Answer readiness() const;
  HealthServer::Answer metrics();

  // Why there is no HTTP port for probes and metrics; empty: there is one, or none is wanted.
  void set_http_trouble(std::string trouble) { http_trouble_ = std::move(trouble); }

 private:
  StatusFacts facts();
  void add_settings(StatusFacts& facts) const;
  void add_pods(StatusFacts& facts) const;
  void add_passes(StatusFacts& facts) const;
  void add_drops(StatusFacts& facts);
  std::vector<Controller> controllers() const;

  Parts parts_;
  WallClock::time_point started_ = WallClock::now();
  std::string http_trouble_;
};

}  // namespace pellicle
