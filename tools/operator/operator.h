// Wires the operator: watches Nodes, takes part in the election, and writes assignments while it
// leads.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <set>

#include "agent/http/health_server.h"
#include "agent/kube/node_events.h"
#include "agent/kube/watcher.h"
#include "tools/operator/assigner.h"
#include "tools/operator/elector.h"
#include "tools/operator/key_keeper.h"
#include "tools/operator/options.h"
#include "tools/operator/taint_keeper.h"

namespace pellicle {

class MetricsText;

class Operator {
 public:
  Operator(boost::asio::io_context& io, OperatorOptions options);
  void start();
  // Completes active requests, releases the Lease and calls `done`.
  void stop(std::function<void()> done);
  uint16_t health_port() const { return health_.port(); }

 private:
  void watch();
  void listed(const std::vector<ApiObject>& objects);
  void changed(const ApiObject& object, bool deleted);
  void note_key(const ApiObject& object, bool deleted);
  void begin();
  void end();
  void plan_soon();
  void plan();
  void note(const std::vector<Finding>& findings);
  LeaseNotes notes() const;
  Assigner::Callbacks assigner_callbacks();
  HealthServer::Paths paths();
  HealthServer::Answer ready() const;
  HealthServer::Answer metrics() const;
  void key_metrics(MetricsText& metrics) const;
  void taint_metrics(MetricsText& metrics) const;

  boost::asio::io_context& io_;
  OperatorOptions options_;
  Allocator allocator_;
  ApiAccess access_;
  ApiClient client_;
  Elector elector_;
  Assigner assigner_;
  EventPoster events_;
  HealthServer health_;
  boost::asio::steady_timer soon_;
  bool planned_ = false;  // `soon_` is set
  std::unique_ptr<Watcher> watcher_;
  bool fresh_ = false;  // a LIST that started after the election has arrived
  std::string watch_trouble_;
  std::set<Finding> findings_;
  uint64_t assigned_ = 0;
  KeyNodes key_nodes_;  // filled only with a key policy
  std::unique_ptr<KeyKeeper> keeper_;
  std::unique_ptr<TaintKeeper> taints_;  // null without a taint policy
};

}  // namespace pellicle
