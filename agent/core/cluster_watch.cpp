#include "agent/core/cluster_watch.h"

#include "agent/log.h"

namespace pellicle {

ClusterWatch::ClusterWatch(boost::asio::io_context& context, ApiClient& client, Store& store,
                           std::string own_node, Callbacks callbacks)
    : store_(store), own_node_(std::move(own_node)), callbacks_(std::move(callbacks)) {
  watch(context, client, all_nodes(), &Store::nodes_listed, &ClusterWatch::node_changed);
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
                callbacks_.on_change();
              },
          .on_change = [this, change](const ApiObject& object,
                                      bool deleted) { (this->*change)(object, deleted); },
          .on_trouble = trouble,
          .on_healthy = healthy}));
}

// Kubelet updates its Node every few minutes; those changes do not concern this node.
void ClusterWatch::node_changed(const ApiObject& object, bool deleted) {
  if (!store_.node_changed(object, deleted)) return;
  if (object.name == own_node_) return callbacks_.on_change();
  callbacks_.on_peer(object.name);
}

void ClusterWatch::secret_changed(const ApiObject& object, bool deleted) {
  store_.secret_changed(object, deleted);
  callbacks_.on_change();
}

}  // namespace pellicle
