#include "agent/agent.h"

#include <filesystem>

#include "agent/keys/boot_id.h"
#include "agent/log.h"
#include "agent/socket/log_level.h"

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

WeakAlgorithms weak_algorithms(const Config& config) {
  return config.allow_weak_algorithms ? WeakAlgorithms::allowed : WeakAlgorithms::refused;
}

EventPoster::Options event_options(const Config& config) {
  return {.component = "pellicle-agent",
          .host = config.settings.node_name,
          .manners = kAgentManners,
          .on_trouble = [](const std::string& trouble) {
            log::warn("an event could not be posted", {{"error", trouble}});
          }};
}

}  // namespace

Agent::Agent(boost::asio::io_context& context, Config config)
    : config_(std::move(config)),
      kernel_({.state_dir = made_private(config_.state_dir), .bpf_root = config_.bpf_root}),
      keys_(config_.state_dir, boot_id(config_.boot_id_file)),
      endpoints_(config_.state_dir),
      paths_(config_.state_dir),
      store_(config_.settings.node_name, weak_algorithms(config_), config_.node_address_cidrs),
      core_(config_.settings, {kernel_, store_, keys_, endpoints_, paths_}),
      passes_(context, kernel_, core_, std::chrono::seconds(config_.resync_seconds),
              [this] { after_pass(); }),
      rotation_(store_, keys_, kernel_, config_.key_rotation_duration),
      access_(api_access(config_.kubeconfig, config_.service_host, config_.service_port,
                         "pellicle-agent")),
      client_(context, access_),
      cluster_watch_(
          context, client_, store_, config_.settings.node_name,
          {.on_change = [this] { passes_.request(); },
           .on_peer =
               [this](const std::string& name) { passes_.peer_changed(name, store_.node(name)); }}),
      kernel_watch_(context, config_.bpf_root, {kernel_, core_, passes_, paths_}),
      review_(kernel_),
      pod_datapath_(config_.settings, core_, kernel_),
      pods_(context,
            {.node_name = config_.settings.node_name,
             .state_dir = config_.state_dir,
             .socket = config_.socket_path(),
             .cni = config_.cni},
            {kernel_, store_, client_, endpoints_, pod_datapath_}, [this] { note_problems(); }),
      probes_(context, config_.cluster_health_interval, core_, pod_datapath_,
              [this] { note_problems(); }),
      announcer_(context, client_, config_.settings, store_, core_,
                 [this](const Annotations& present, Annotations& wanted) {
                   probes_.announce(present, wanted);
                 }),
      use_(kernel_, store_),
      events_(client_, random_seed(), event_options(config_)),
      reports_({config_, access_.scheme_host_port, kernel_, store_, core_, passes_, rotation_,
                endpoints_, pods_, probes_, announcer_, cluster_watch_, review_, use_, problems_}),
      server_(context, config_.socket_path(), methods()) {
  serve_http(context);
}

Server::Methods Agent::methods() {
  auto& pods = pods_.pods();
  return {
      {"status",
       [this](const auto&) {
         note_problems();
         return reports_.status();
       }},
      {"diff", [this](const auto&) { return reports_.diff(); }},
      {"config", [this](const auto&) { return nlohmann::json(config_.effective); }},
      {"log-level", log_level},
      {"encrypt", [this](const auto&) { return reports_.encryption(); }},
      {"encrypt-flush", [this](const auto& params) { return reports_.flush_states(params); }},
      {"pod-add", [&pods](const auto& params,
                          FileDescriptor passed) { return pods.add(params, std::move(passed)); }},
      {"pod-check",
       [&pods](const auto& params, FileDescriptor passed) {
         return pods.check(params, std::move(passed));
       }},
      {"pod-delete", [&pods](const auto& params) { return pods.remove(params); }},
      {"pod-gc", [&pods](const auto& params) { return pods.collect(params); }},
      {"pod-ready", [&pods](const auto&) { return pods.ready(); }},
      {"pod-list", [&pods](const auto&) { return pods.list(); }}};
}

// A listening address in use costs the probes and the metrics, not the datapath.
void Agent::serve_http(boost::asio::io_context& context) {
  if (config_.health_address.empty()) return;
  try {
    http_ = std::make_unique<HealthThread>(
        context, config_.health_address, [this] { return reports_.readiness(); },
        [this] {
          note_problems();
          return reports_.metrics();
        });
  } catch (const std::exception& error) {
    reports_.set_http_trouble(error.what());
  }
}

void Agent::start() {
  log::info("pellicle-agent starts", {{"version", PELLICLE_VERSION},
                                      {"node", config_.settings.node_name},
                                      {"server", access_.scheme_host_port}});
  rotation_.resume();
  pods_.start();
  review_.look(core_.last());
  passes_.begin();  // nothing can be listed before the rules hold the node's own addresses
  kernel_watch_.start();
  cluster_watch_.start();
}

void Agent::after_pass() {
  if (pods_.serve()) passes_.request();
  review_.look(core_.last());
  kernel_watch_.after_pass();
  cluster_watch_.after_pass(core_.last().desired.cluster.disputed);
  use_.look();
  if (const auto next = rotation_.advance(core_.last(), SteadyClock::now())) passes_.request(*next);
  probes_.serve(endpoints_.health());
  note_problems();
  post_events();
  announcer_.announce(use_.of_sequence());
}

void Agent::note_problems() {
  if (reports_.note_problems()) post_events();
}

void Agent::post_events() {
  events_.post(problem_events(reports_.troubles(), WallClock::now()));
}

}  // namespace pellicle
