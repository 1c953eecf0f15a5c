#include "agent/core/cluster_watch.h"

#include "agent/log.h"

namespace pellicle {

ClusterWatch::ClusterWatch(boost::asio::io_context& context, ApiClient& client, Store& store,
                           const std::string& own_node, Callbacks callbacks)
    : store_(store),
      callbacks_(std::move(callbacks)),
      reader_(context, client, store,
              {.on_change = [this](const std::string& name) { callbacks_.on_peer(name); },
               .on_trouble = [this](const std::string& trouble) { reading_in_trouble(trouble); }}) {
  store_.own_node_comes_apart();
  watch(context, client, all_nodes_metadata(), &Store::nodes_listed, &ClusterWatch::node_changed);
  watch(context, client, one_node(own_node), &Store::own_node_listed,
        &ClusterWatch::own_node_changed);
  watch(context, client, key_secret(), &Store::secret_listed, &ClusterWatch::secret_changed);
}

void ClusterWatch::start() {
  for (const auto& watcher : watchers_) watcher->start();
}

void ClusterWatch::watch(boost::asio::io_context& context, ApiClient& client,
                         const Resource& resource, OnSync sync, OnChange change) {
  auto& health = sources_[resource.title];
  health.name = resource.title;
  health.since = std::chrono::system_clock::now();
  const auto healthy = [&health] {
    if (health.healthy) return;
    health.synced = true;
    health.healthy = true;
    health.since = std::chrono::system_clock::now();
    health.sentence.clear();
  };
  const auto trouble = [&health](const std::string& sentence, WallTime since) {
    log::warn("watch in trouble", {{"error", sentence}});
    health.healthy = false;
    health.since = since;
    health.sentence = sentence;
    ++health.troubles;
  };
  watchers_.push_back(std::make_unique<Watcher>(
      context, client, resource, random_seed(),
      WatcherCallbacks{
          .on_sync =
              [this, sync, healthy](const std::vector<ApiObject>& objects) {
                healthy();
                (store_.*sync)(objects);
                reader_.look();
                callbacks_.on_change();
              },
          .on_change = [this, change](const ApiObject& object,
                                      bool deleted) { (this->*change)(object, deleted); },
          .on_trouble = trouble,
          .on_healthy = healthy}));
}

// Kubelet updates its Node every few minutes; those changes do not concern this node.
void ClusterWatch::node_changed(const ApiObject& object, bool deleted) {
  const bool concerns = store_.node_changed(object, deleted);
  reader_.look();
  if (concerns) callbacks_.on_peer(object.name);
}

void ClusterWatch::own_node_changed(const ApiObject& object, bool deleted) {
  if (store_.own_node_changed(object, deleted)) callbacks_.on_change();
}

void ClusterWatch::after_pass(bool disputed) {
  if (!disputed && !disputed_) return;
  disputed_ = disputed;
  store_.look_for_rivals();
  reader_.look();
}

// The source shows only once reading has failed.
void ClusterWatch::reading_in_trouble(const std::string& trouble) {
  auto& health = sources_["nodes in full"];
  health.name = "nodes in full";
  health.synced = health.healthy = trouble.empty();
  health.since = std::chrono::system_clock::now();
  health.sentence = trouble;
  if (trouble.empty()) return;
  log::warn("reading a Node in trouble", {{"error", trouble}});
  ++health.troubles;
}

void ClusterWatch::secret_changed(const ApiObject& object, bool deleted) {
  store_.secret_changed(object, deleted);
  callbacks_.on_change();
}

}  // namespace pellicle
