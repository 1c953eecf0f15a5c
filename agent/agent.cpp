#include "agent/agent.h"

#include <boost/asio/post.hpp>
#include <filesystem>

#include "agent/desired/next_hops.h"
#include "agent/kernel/esp_support.h"
#include "agent/keys/boot_id.h"
#include "agent/keys/derive.h"
#include "agent/log.h"
#include "agent/status/log_level.h"

namespace pellicle {

namespace {

// Creates the directory with access for root only.
const std::string& made_private(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  if (error) throw std::runtime_error("state-dir " + directory + ": " + error.message());
  return directory;
}

}  // namespace

Agent::Agent(boost::asio::io_context& context, Config config)
    : config_(std::move(config)),
      kernel_({.state_dir = made_private(config_.state_dir), .bpf_root = config_.bpf_root}),
      support_(esp_obstacle),
      key_use_(config_.state_dir, boot_id(config_.boot_id_file)),
      endpoints_(config_.state_dir),
      narrow_paths_(config_.state_dir),
      passes_(
          context, kernel_, std::chrono::seconds(config_.resync_seconds),
          {.gather = [this] { return gather(); },
           .prepare = [this](Inputs& inputs) { return prepare(inputs); },
           .foresee = [this] { return foresee(); },
           .permit =
               [this](const Plan& plan) { return key_use_.permit(passes_.last().inputs, plan); },
           .refused = [this](const auto& refusals) { note_not_made(refusals); },
           .scope = [this] { return scope(); },
           .after = [this] { after_pass(); }}),
      pods_(endpoints_, pod_datapath()),
      cni_(config_.cni, config_.socket_path(),
           [this, &context] { boost::asio::post(context, [this] { heard_of_plugins(); }); }),
      store_(config_.settings.node_name,
             config_.allow_weak_algorithms ? WeakAlgorithms::allowed : WeakAlgorithms::refused,
             config_.node_address_cidrs),
      access_(api_access(config_.kubeconfig, config_.service_host, config_.service_port)),
      client_(context, access_),
      publisher_(context, client_, config_.settings.node_name, random_seed(),
                 {.on_trouble = [this](const std::string& trouble) { publish_trouble_ = trouble; },
                  .on_healthy = [this] { publish_trouble_.clear(); }}),
      taint_(context, client_, config_.settings.node_name, random_seed(),
             {.on_done =
                  [](bool written) {
                    if (written)
                      log::info("this node takes pods", {{"taint removed", kNotReadyTaint}});
                  },
              .on_trouble =
                  [](const std::string& trouble) {
                    log::warn("node keeps its taint", {{"error", trouble}});
                  },
              .on_forbidden =
                  [this](const std::string&) {
                    taint_is_operators_ = true;
                    log::info("the taint is left to the operator", {{"taint", kNotReadyTaint}});
                  }}),
      network_condition_(
          context, client_, config_.settings.node_name, random_seed(),
          {.on_written = [] { log::info("the node's network is said to be available"); },
           .on_trouble =
               [](const std::string& trouble) {
                 log::warn("node keeps NetworkUnavailable", {{"error", trouble}});
               }}),
      events_(client_, random_seed(),
              {.component = "pellicle-agent",
               .host = config_.settings.node_name,
               .manners = kAgentManners,
               .on_trouble =
                   [](const std::string& trouble) {
                     log::warn("an event could not be posted", {{"error", trouble}});
                   }}),
      settings_(context, [this] { look_at_settings(); }),
      monitor_(
          context, [this] { return kernel_.ports(); },
          [this](const Changes& changes) { heard(changes); }),
      path_watch_(context, config_.bpf_root,
                  [this](const auto& reports) { heard_of_paths(reports); }),
      health_endpoint_(context, {.connect = pod_datapath().connect}),
      inquiry_(context, config_.cluster_health_interval, random_seed(),
               [this](const auto& path, const auto& result) { note_health(path, result); }),
      server_(context, config_.socket_path(),
              {{"status", [this](const auto&) { return nlohmann::json(status_json(facts())); }},
               {"diff", [this](const auto&) { return diff(); }},
               {"config", [this](const auto&) { return nlohmann::json(config_.effective); }},
               {"log-level", log_level},
               {"encrypt", [this](const auto&) { return encryption(); }},
               {"encrypt-flush", [this](const auto& params) { return flush_states(params); }},
               {"pod-add",
                [this](const auto& params, FileDescriptor passed) {
                  return pods_.add(params, std::move(passed));
                }},
               {"pod-check",
                [this](const auto& params, FileDescriptor passed) {
                  return pods_.check(params, std::move(passed));
                }},
               {"pod-delete", [this](const auto& params) { return pods_.remove(params); }},
               {"pod-gc", [this](const auto& params) { return pods_.collect(params); }},
               {"pod-ready", [this](const auto&) { return pods_.ready(); }},
               {"pod-list", [this](const auto&) { return pods_.list(); }}}) {
  watch(context, all_nodes(), &Store::nodes_listed, &Agent::node_changed);
  watch(context, key_secret(), &Store::secret_listed, &Agent::secret_changed);
  serve_health(context);
}

void Agent::watch(boost::asio::io_context& context, const Resource& resource, OnSync sync,
                  OnChange change) {
  auto& health = sources_[resource.title];
  health.name = resource.title;
  health.since = started_;
  const auto healthy = [&health] {
    if (health.healthy) return;
    health.synced = true;
    health.healthy = true;
    health.since = Clock::now();
    health.sentence.clear();
  };
  watchers_.push_back(std::make_unique<Watcher>(
      context, client_, resource, random_seed(),
      WatcherCallbacks{
          .on_sync =
              [this, sync, healthy](const std::vector<ApiObject>& objects) {
                healthy();
                (store_.*sync)(objects);
                passes_.request();
              },
          .on_change = [this, change](const ApiObject& object,
                                      bool deleted) { (this->*change)(object, deleted); },
          .on_trouble =
              [&health](const std::string& sentence, WallTime since) {
                log::warn("watch in trouble", {{"error", sentence}});
                health = {.name = health.name,
                          .synced = health.synced,
                          .healthy = false,
                          .since = since,
                          .sentence = sentence,
                          .troubles = health.troubles + 1};
              },
          .on_healthy = healthy}));
}

// Kubelet updates its Node every few minutes; those changes do not concern this node.
void Agent::node_changed(const ApiObject& object, bool deleted) {
  if (!store_.node_changed(object, deleted)) return;
  if (object.name == config_.settings.node_name) return passes_.request();
  passes_.peer_changed(object.name, store_.node(object.name));
}

void Agent::secret_changed(const ApiObject& object, bool deleted) {
  store_.secret_changed(object, deleted);
  passes_.request();
}

void Agent::start() {
  log::info("pellicle-agent starts", {{"version", PELLICLE_VERSION},
                                      {"node", config_.settings.node_name},
                                      {"server", access_.scheme_host_port}});
  resume();
  try {
    take_stock_of_pods();
  } catch (const std::exception& error) {  // each pass retries, and status shows the error
    log::warn("the pods cannot be looked at yet", {{"error", error.what()}});
  }
  complete_deletions();
  look_at_kernel();
  look_at_hooks();
  passes_.begin();  // nothing can be listed before the rules hold the node's own addresses
  settings_.start();
  for (const auto& watcher : watchers_) watcher->start();
}

// Never remove a working object because the record of pods is missing.
Scope Agent::scope() const {
  return !stock_taken_ ? Scope::additions : Scope::everything;
}

std::optional<Inputs> Agent::gather() {
  auto snapshot = store_.snapshot();
  if (!snapshot) return std::nullopt;
  take_stock_of_pods();
  const auto& name = config_.settings.node_name;
  const auto self = snapshot->nodes.find(name);
  if (self != snapshot->nodes.end()) {
    last_self_ = self->second;
  } else if (last_self_) {
    snapshot->nodes[name] = *last_self_;
  }
  Inputs inputs{.settings = config_.settings,
                .nodes = std::move(snapshot->nodes),
                .key = std::move(snapshot->key),
                .older_keys = std::move(snapshot->older_keys),
                .inherited_keys = std::move(snapshot->inherited_keys),
                .sender = passes_.last().inputs.sender,
                .derive = derive_key,
                .programmed = {},
                .endpoints = endpoints_.all(),
                .host = kernel_.facts(),
                .next_hops = {},
                .paths = narrow_paths_.at(NarrowPaths::Clock::now())};
  keep_word(inputs);
  inputs.next_hops = kernel_.next_hops(next_hop_questions(inputs));
  add_health_endpoint(inputs.endpoints);
  return inputs;
}

void Agent::after_pass() {
  serve_pods();
  look_at_kernel();
  look_at_hooks();
  path_watch_.renew();
  await_end_of_paths();
  look_at_use();
  advance_rotation();
  ask_peers();
  note_problems();
  events_.post(problem_events(troubles(), Clock::now()));
  publish();
}

void Agent::note_problems() {
  std::vector<Problem> now = passes_.last().desired.problems;
  if (const auto snapshot = store_.snapshot()) {
    now.insert(now.end(), snapshot->problems.begin(), snapshot->problems.end());
    if (last_self_ && !snapshot->nodes.contains(config_.settings.node_name)) {
      now.push_back({"Node " + config_.settings.node_name, "",
                     "was deleted; what it said last keeps running"});
    }
  }
  note_rotation_problems(now);
  if (const auto& problem = endpoints_.problem()) now.push_back(*problem);
  if (const auto& problem = kernel_.ledger_problem()) {
    now.push_back({"File " + config_.state_dir + "/ledger.json", "", *problem});
  }
  if (!pods_trouble_.empty()) {
    now.push_back({"File " + config_.state_dir + "/endpoints.json", "", pods_trouble_});
  }
  now.insert(now.end(), cni_.problems().begin(), cni_.problems().end());
  look_at_forgeries(now);
  const auto kernel = kernel_problems();
  now.insert(now.end(), kernel.begin(), kernel.end());
  now.insert(now.end(), hook_problems_.begin(), hook_problems_.end());
  add_health_problems(now);  // last: it looks at all other problems
  if (!publish_trouble_.empty()) {
    now.push_back({"Node " + config_.settings.node_name, "metadata.annotations", publish_trouble_});
  }
  if (!health_trouble_.empty()) {
    now.push_back(
        {"Setting health-address", "",
         health_trouble_ + "; there are no probes and no metrics until the agent restarts"});
  }
  std::map<Problem, Clock::time_point> known;
  for (auto& problem : now) {
    const auto before = problems_.find(problem);
    if (before == problems_.end()) log::warn("problem", {{"problem", problem.to_string()}});
    known.emplace(std::move(problem), before == problems_.end() ? Clock::now() : before->second);
  }
  for (const auto& [problem, since] : problems_) {
    if (!known.contains(problem)) log::info("solved", {{"problem", problem.to_string()}});
  }
  const bool same = std::equal(known.begin(), known.end(), problems_.begin(), problems_.end());
  problems_ = std::move(known);
  if (!same) events_.post(problem_events(troubles(), Clock::now()));
}

// Runs last: a peer that reads the annotations starts to send to this node.
void Agent::publish() {
  const auto& last = passes_.last();
  if (!last.ready || last.desired.state.datapath_config.empty()) return;
  const auto present = store_.annotations();
  publisher_.publish(announcement(present), present);
}

}  // namespace pellicle
