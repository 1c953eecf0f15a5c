#include "tools/operator/taint_keeper.h"

#include <boost/asio/post.hpp>

#include "agent/log.h"

namespace pellicle {
namespace {

// Nodes that are patched in parallel. Others wait for the next look.
constexpr size_t kPatchesAtOnce = 10;

// Interval of checks for changes that are due by time alone, and for Nodes that had to wait.
constexpr std::chrono::seconds kLookPeriod{1};

// The label that the chart sets.
constexpr const char* kAgentLabel = "app.kubernetes.io/name=pellicle-agent";

Resource agent_pods(const std::string& space) {
  return {.title = "the agents' pods",
          .path = "/api/v1/namespaces/" + space + "/pods",
          .field_selector = "",
          .label_selector = kAgentLabel};
}

}  // namespace

TaintKeeper::TaintKeeper(boost::asio::io_context& io, ApiClient& client, TaintPolicy policy,
                         const std::string& space, std::function<bool()> may_act)
    : io_(io),
      client_(client),
      may_act_(std::move(may_act)),
      taints_(policy),
      pods_(io, client, agent_pods(space), random_seed(),
            {.on_sync =
                 [this](const std::vector<ApiObject>& objects) {
                   std::vector<AgentPod> pods;
                   pods.reserve(objects.size());
                   for (const auto& object : objects) pods.push_back(AgentPod::of(object));
                   taints_.pods_listed(pods);
                 },
             .on_change = [this](
                              const ApiObject& object,
                              bool deleted) { taints_.pod_changed(AgentPod::of(object), deleted); },
             .on_trouble =
                 [](const std::string& sentence, WallTime) {
                   log::warn("watch in trouble; taints of Nodes stay", {{"error", sentence}});
                 },
             .on_healthy = [] { log::info("the agents' pods are watched again"); }}),
      timer_(io) {}

void TaintKeeper::start() {
  pods_.start();
  look();
}

void TaintKeeper::nodes_listed(const std::vector<ApiObject>& nodes) {
  std::vector<TaintView> views;
  views.reserve(nodes.size());
  for (const auto& node : nodes) views.push_back(TaintView::of(node));
  taints_.nodes_listed(views);
}

void TaintKeeper::node_changed(const ApiObject& node, bool deleted) {
  taints_.node_changed(TaintView::of(node), deleted);
}

void TaintKeeper::look() {
  const auto due = taints_.due(std::chrono::steady_clock::now());
  if (may_act_()) {
    for (const auto& change : due) write(change);
  }
  timer_.expires_after(kLookPeriod);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) look();
  });
}

void TaintKeeper::write(const TaintChange& change) {
  if (writers_.size() >= kPatchesAtOnce || writers_.contains(change.node)) return;
  const auto tell = [this](const std::string& sentence) {
    if (troubles_.insert(sentence).second) log::warn("a taint stays", {{"error", sentence}});
  };
  auto& writer = writers_[change.node] = std::make_unique<TaintWriter>(
      io_, client_, change.node, random_seed(),
      TaintWriter::Callbacks{.on_done = [this, change](bool written) { done(change, written); },
                             .on_trouble = tell,
                             .on_forbidden =
                                 [this, change, tell](const std::string& sentence) {
                                   tell(sentence);
                                   forget(change.node);
                                 }});
  if (change.put) {
    writer->put();
  } else {
    writer->remove();
  }
}

void TaintKeeper::done(const TaintChange& change, bool written) {
  if (written) {
    ++(change.put ? put_ : removed_);
    log::info(change.put ? "no agent has been ready on the Node: pods are kept away"
                         : "the Node takes pods: its agent is ready",
              {{"node", change.node}, {"taint", kNotReadyTaint}});
  }
  troubles_.clear();
  forget(change.node);
}

// Posted, because the writer's own callback calls this.
void TaintKeeper::forget(const std::string& node) {
  boost::asio::post(io_, [this, node] { writers_.erase(node); });
}

void TaintKeeper::rest() {
  writers_.clear();
}

}  // namespace pellicle
