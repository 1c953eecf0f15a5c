#include "tools/operator/operator.h"

#include <boost/asio/post.hpp>
#include <fstream>
#include <iterator>

#include "agent/log.h"
#include "tools/operator/lease_owner.h"
#include "tools/operator/node_view.h"

namespace pellicle {

namespace {

// Changes come in bursts; one plan serves a burst.
constexpr std::chrono::milliseconds kSoon{50};

std::vector<NodeView> views(const std::vector<ApiObject>& objects) {
  std::vector<NodeView> all;
  all.reserve(objects.size());
  for (const auto& object : objects) all.push_back(node_view(object));
  return all;
}

// Annotations of the Lease, see pool_record.h.
constexpr const char* kUsedAnnotation = "pellicle.io/pod-cidrs-used";
constexpr const char* kFreedAnnotation = "pellicle.io/pod-cidrs-freed";

// Without a token, or while it is unreadable, the Lease has no owner and stays.
std::string token_of(const ApiAccess& access) {
  if (access.token_file.empty()) return "";
  std::ifstream file(access.token_file);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string in_words(const std::vector<Cidr>& cidrs) {
  std::string words;
  for (const auto& cidr : cidrs) words += (words.empty() ? "" : ",") + cidr.to_string();
  return words;
}

}  // namespace

Operator::Operator(boost::asio::io_context& io, OperatorOptions options)
    : io_(io),
      options_(std::move(options)),
      allocator_(options_.pools, options_.reserved),
      access_(api_access(options_.kubeconfig, options_.service_host, options_.service_port,
                         "pellicle-operator")),
      client_(io, access_),
      elector_(io, client_, options_.election,
               {.on_begin = [this] { begin(); },
                .on_end = [this] { end(); },
                .on_trouble =
                    [](const std::string& sentence) {
                      log::warn("election in trouble", {{"error", sentence}});
                    },
                .notes = [this] { return notes(); }}),
      // Half of the deadline: a request sent right after a renewal ends before another replica may
      // act.
      assigner_(io, client_, options_.election.renew_deadline / 2, random_seed(),
                assigner_callbacks()),
      events_(client_, random_seed(),
              {.component = "pellicle-operator",
               .host = options_.host,
               .on_trouble =
                   [](const std::string& sentence) {
                     log::warn("an event could not be posted", {{"error", sentence}});
                   }}),
      health_(io, options_.health_address, paths()),
      soon_(io) {
  if (options_.taint_policy.on()) {
    taints_ =
        std::make_unique<TaintKeeper>(io, client_, options_.taint_policy, options_.election.space,
                                      [this] { return fresh_ && elector_.leads(); });
  }
  if (!options_.key_policy.on()) return;
  keeper_ = std::make_unique<KeyKeeper>(io, client_, options_.key_policy, options_.key_look_period,
                                        KeyKeeper::Callbacks{.nodes = [this] {
                                          return fresh_ && elector_.leads() ? &key_nodes_ : nullptr;
                                        }});
}

LeaseNotes Operator::notes() const {
  LeaseNotes notes{.annotations = {},
                   .owner = lease_owner(token_of(access_), options_.election.space)};
  if (options_.pools.empty()) return notes;
  const auto record = allocator_.record();
  notes.annotations = {{kUsedAnnotation, record.used}, {kFreedAnnotation, record.freed}};
  return notes;
}

Assigner::Callbacks Operator::assigner_callbacks() {
  const auto about = [](const Assignment& assignment, const std::string& error) {
    return log::Fields{{"node", assignment.node.name},
                       {"podCIDRs", in_words(assignment.pod_cidrs)},
                       {"error", error}};
  };
  return {.may_act = [this](std::chrono::milliseconds needs) { return elector_.may_act(needs); },
          .on_assigned =
              [this](const Assignment& assignment) {
                ++assigned_;
                log::info("PodCIDRs assigned", {{"node", assignment.node.name},
                                                {"podCIDRs", in_words(assignment.pod_cidrs)}});
              },
          .on_refused =
              [this, about](const Assignment& assignment, const std::string& sentence) {
                log::info("assignment refused; what the Node says now decides",
                          about(assignment, sentence));
                allocator_.refused(assignment.node.name);
              },
          .on_trouble =
              [about](const Assignment& assignment, const std::string& sentence) {
                log::warn("assignment in trouble; it is repeated", about(assignment, sentence));
              },
          .on_retry = [this] { plan_soon(); }};
}

void Operator::start() {
  log::info("pellicle-operator starts", {{"version", PELLICLE_VERSION},
                                         {"identity", options_.election.identity},
                                         {"health", options_.health_address}});
  watch();
  if (taints_) taints_->start();
  elector_.start();
}

// Watches on standby too, so that the order of freed PodCIDRs is known. After an election
// everything is listed again: a LIST without a version returns the current state, with all writes
// of the previous leader.
void Operator::watch() {
  fresh_ = false;
  const bool elected = elector_.leads();
  watcher_ = std::make_unique<Watcher>(
      io_, client_, all_nodes(), random_seed(),
      WatcherCallbacks{
          .on_sync =
              [this, elected](const std::vector<ApiObject>& objects) {
                fresh_ = elected;
                listed(objects);
              },
          .on_change = [this](const ApiObject& object, bool deleted) { changed(object, deleted); },
          .on_trouble =
              [this](const std::string& sentence, WallTime) {
                log::warn("watch in trouble", {{"error", sentence}});
                watch_trouble_ = sentence;
              },
          .on_healthy = [this] { watch_trouble_.clear(); }});
  watcher_->start();
}

void Operator::listed(const std::vector<ApiObject>& objects) {
  allocator_.listed(views(objects));
  plan_soon();
  if (taints_) taints_->nodes_listed(objects);
  if (!keeper_) return;
  key_nodes_ = {};
  for (const auto& object : objects) note_key(object, /*deleted=*/false);
  if (elector_.leads()) keeper_->look();
}

void Operator::changed(const ApiObject& object, bool deleted) {
  if (deleted) {
    allocator_.removed(object.name);
  } else {
    allocator_.changed(node_view(object));
  }
  plan_soon();
  if (taints_) taints_->node_changed(object, deleted);
  if (keeper_) note_key(object, deleted);
}

void Operator::note_key(const ApiObject& object, bool deleted) {
  key_nodes_.used.erase(object.name);
  if (deleted) {
    key_nodes_.nodes.erase(object.name);
    return;
  }
  const auto decoded = decode_node(object);
  key_nodes_.nodes[object.name] = decoded.node;
  const auto used = decoded.annotations.find(std::string(kSequenceUsedAnnotation));
  if (used == decoded.annotations.end()) return;
  if (const auto use = SequenceUse::parse(used->second)) key_nodes_.used[object.name] = *use;
}

void Operator::begin() {
  log::info("elected: this replica acts", {{"lease", options_.election.name}});
  const auto& election = elector_.election();
  allocator_.remember(
      {.used = election.found(kUsedAnnotation), .freed = election.found(kFreedAnnotation)});
  fresh_ = false;
  // Posted, because the answer may arrive inside the watcher's own callback.
  boost::asio::post(io_, [this] { watch(); });
}

void Operator::end() {
  log::warn("no longer elected: this replica stands by",
            {{"holder", elector_.election().holder()}});
  fresh_ = false;
  if (taints_) taints_->rest();
  if (keeper_) keeper_->rest();
}

void Operator::plan_soon() {
  if (std::exchange(planned_, true)) return;
  soon_.expires_after(kSoon);
  soon_.async_wait([this](boost::system::error_code cancelled) {
    planned_ = false;
    if (!cancelled) plan();
  });
}

void Operator::plan() {
  if (!fresh_ || !elector_.leads() || options_.pools.empty()) return;
  const auto plan = allocator_.plan();
  note(plan.findings);
  assigner_.assign(plan.assignments);
}

void Operator::note(const std::vector<Finding>& findings) {
  std::set<Finding> now(findings.begin(), findings.end());
  for (const auto& finding : now) {
    if (findings_.contains(finding)) continue;
    log::warn("a Node cannot be served",
              {{"node", finding.node}, {"reason", finding.reason}, {"problem", finding.sentence}});
  }
  for (const auto& finding : findings_) {
    if (!now.contains(finding))
      log::info("solved", {{"node", finding.node}, {"reason", finding.reason}});
  }
  findings_ = std::move(now);
  std::vector<NodeEvent> events;
  events.reserve(findings.size());
  for (const auto& finding : findings) {
    events.push_back({.node = finding.node,
                      .uid = finding.uid,
                      .reason = finding.reason,
                      .message = finding.sentence});
  }
  events_.post(events);
}

void Operator::stop(std::function<void()> done) {
  if (taints_) taints_->rest();
  if (keeper_) keeper_->rest();
  assigner_.drain([this, done = std::move(done)] { elector_.resign(done); });
}

}  // namespace pellicle
