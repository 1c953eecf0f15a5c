// The daemon: events from the API server, the kernel and the unix socket all lead to a pass.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>

#include "agent/cni/installation.h"
#include "agent/config.h"
#include "agent/forgery_watch.h"
#include "agent/health/endpoint.h"
#include "agent/health/inquiry.h"
#include "agent/http/health_thread.h"
#include "agent/ipam/endpoints.h"
#include "agent/kernel/linux_kernel.h"
#include "agent/kernel/monitor.h"
#include "agent/kernel_support.h"
#include "agent/keys/key_use.h"
#include "agent/kube/key_records.h"
#include "agent/kube/network_condition.h"
#include "agent/kube/node_events.h"
#include "agent/kube/publish.h"
#include "agent/kube/store.h"
#include "agent/kube/taint.h"
#include "agent/kube/watcher.h"
#include "agent/narrow_paths.h"
#include "agent/pass_pace.h"
#include "agent/passes.h"
#include "agent/path_watch.h"
#include "agent/pods.h"
#include "agent/problem_events.h"
#include "agent/settings_watch.h"
#include "agent/status/last_use.h"
#include "agent/status/report.h"
#include "agent/status/server.h"

namespace pellicle {

// Runs entirely on the io_context's single thread. The destructor leaves the kernel as it is.
class Agent {
 public:
  // Throws std::exception with one sentence when it cannot start: no credentials for the API
  // server, the socket in use, the state directory not writable.
  Agent(boost::asio::io_context& context, Config config);
  void start();

 private:
  using OnSync = void (Store::*)(const std::vector<ApiObject>&);
  using OnChange = void (Agent::*)(const ApiObject&, bool);
  void watch(boost::asio::io_context& context, const Resource& resource, OnSync sync,
             OnChange change);
  void node_changed(const ApiObject& object, bool deleted);
  void secret_changed(const ApiObject& object, bool deleted);
  void resume();
  std::optional<Inputs> gather();
  void keep_word(Inputs& inputs);
  void look_at_forgeries(std::vector<Problem>& problems);
  void confirm_key(Inputs& inputs);
  Desired prepare(Inputs& inputs);
  Conclude foresee() const;
  void note_not_made(const std::vector<Refusal>& refusals);
  void advance_rotation();
  std::chrono::milliseconds rotation_beat() const;
  void note_rotation_problems(std::vector<Problem>& problems) const;
  Annotations announcement(const Annotations& present) const;
  bool ready() const;
  Scope scope() const;
  void after_pass();
  void note_problems();
  Troubles troubles() const;
  void look_at_kernel();
  void look_at_hooks();
  void look_at_settings();
  void heard_of_paths(const std::vector<PathReport>& reports);
  void await_end_of_paths();
  void heard(Changes changes);
  std::vector<Problem> kernel_problems() const;
  void publish();
  std::optional<PodNetwork> pod_network() const;
  Pods::Datapath pod_datapath();
  void take_stock_of_pods();
  void serve_pods();
  void install_cni();
  void heard_of_plugins();
  void complete_deletions();
  std::vector<Controller> controllers() const;
  StatusFacts facts();
  nlohmann::json diff();
  std::vector<ObservedState> observed_states();
  void look_at_use();
  void serve_cluster_health(const PodNetwork& network);
  void add_health_endpoint(std::vector<Endpoint>& endpoints) const;
  void ask_peers();
  void note_health(const HealthPath& path, const HealthResult& result);
  void add_health_problems(std::vector<Problem>& problems) const;
  void announce_health(const Annotations& present, Annotations& wanted) const;
  void serve_health(boost::asio::io_context& context);
  HealthServer::Answer readiness() const;
  HealthServer::Answer metrics();
  nlohmann::json encryption();
  nlohmann::json flush_states(const nlohmann::json& params);

  Config config_;
  Clock::time_point started_ = Clock::now();
  LinuxKernel kernel_;
  KernelSupport support_;
  LastUse last_use_;
  std::chrono::steady_clock::time_point looked_at_use_{};
  std::optional<SequenceUse> sequence_use_;  // of the newest key, as of the last look
  KeyUse key_use_;
  Endpoints endpoints_;
  NarrowPaths narrow_paths_;
  ForgeryWatch forgeries_;
  // While this node withdraws its announcement of host encryption: when the API last showed it.
  std::optional<ForgeryWatch::Clock::time_point> taken_back_;
  Passes passes_;
  Pods pods_;
  CniInstallation cni_;
  Store store_;
  ApiAccess access_;
  ApiClient client_;
  Publisher publisher_;
  TaintWriter taint_;
  bool taint_is_operators_ = false;  // the API server denied this agent the write
  NetworkCondition network_condition_;
  EventPoster events_;
  std::map<std::string, SourceHealth> sources_;  // by title
  std::vector<std::unique_ptr<Watcher>> watchers_;
  PassPace pace_;
  SettingsWatch settings_;
  Monitor monitor_;
  PathWatch path_watch_;
  std::optional<Node>
      last_self_;             // as last seen; used when this Node object was deleted by mistake
  bool stock_taken_ = false;  // the record of pods has been compared with the kernel
  std::map<Problem, Clock::time_point> problems_;  // value: when each was first seen
  std::vector<Problem> hook_problems_;  // programs that run before ours, as of the last pass
  std::string publish_trouble_;
  std::string health_trouble_;          // why the agent cannot listen on the health address
  std::string pods_trouble_;            // why the record of pods cannot be written
  std::string cluster_health_trouble_;  // why other nodes cannot probe this one
  HealthEndpoint health_endpoint_;
  HealthInquiry inquiry_;
  // Declared last, because both use all members above.
  Server server_;
  std::unique_ptr<HealthThread> health_;
};

}  // namespace pellicle
