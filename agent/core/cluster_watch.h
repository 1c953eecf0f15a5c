// Keeps the Store up to date: watches the metadata of all Nodes, this node's Node in full, and the
// key's Secret.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/node_reader.h"
#include "agent/kube/store.h"
#include "agent/kube/watcher.h"

namespace pellicle {

// One watch at the API server.
struct SourceHealth {
  std::string name;      // "nodes", "secret kube-system/cilium-ipsec-keys"
  bool synced = false;   // a LIST completed at least once
  bool healthy = false;  // the watch is running now
  std::chrono::system_clock::time_point since{};
  std::string sentence;   // the error, in the server's or the library's words
  uint64_t troubles = 0;  // how often the watch failed and restarted
};

class ClusterWatch {
 public:
  struct Callbacks {
    // Something changed that concerns the whole node.
    std::function<void()> on_change;
    // Only this Node changed, and it is another node's; see Store::node().
    std::function<void(const std::string& name)> on_peer;
  };
  ClusterWatch(boost::asio::io_context& context, ApiClient& client, Store& store,
               const std::string& own_node, Callbacks callbacks);
  void start();
  // `disputed`: some Node's claim is not believed, see Cluster.
  void after_pass(bool disputed);

  const std::map<std::string, SourceHealth>& sources() const { return sources_; }  // by title

 private:
  using OnSync = void (Store::*)(const std::vector<ApiObject>&);
  using OnChange = void (ClusterWatch::*)(const ApiObject&, bool);
  void watch(boost::asio::io_context& context, ApiClient& client, const Resource& resource,
             OnSync sync, OnChange change);
  void node_changed(const ApiObject& object, bool deleted);
  void own_node_changed(const ApiObject& object, bool deleted);
  void reading_in_trouble(const std::string& trouble);
  void secret_changed(const ApiObject& object, bool deleted);

  Store& store_;
  Callbacks callbacks_;
  NodeReader reader_;
  bool disputed_ = false;  // after the last pass
  std::map<std::string, SourceHealth> sources_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
};

}  // namespace pellicle
