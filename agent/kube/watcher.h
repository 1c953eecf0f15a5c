// Keeps one kind of object up to date: runs the actions of the list-watch protocol.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "agent/kube/client.h"
#include "agent/kube/list_watch.h"

namespace pellicle {

struct WatcherCallbacks {
  std::function<void(std::vector<ApiObject>)> on_sync;  // after each complete LIST, with the whole
                                                        // set
  std::function<void(ApiObject, bool deleted)> on_change;
  std::function<void(const std::string& sentence, WallTime since)> on_trouble;
  std::function<void()> on_healthy;  // after trouble
};

// Inactive before start() and after destruction. `client` must outlive it; a callback must not
// destroy it.
class Watcher {
 public:
  Watcher(boost::asio::io_context& io, ApiClient& client, Resource resource, uint64_t seed,
          WatcherCallbacks callbacks, const Pace& pace = {});
  void start();

 private:
  void handle(const ListWatchEvent& event);
  void run(SendList& action);
  void run(OpenWatch& action);
  void run(CloseWatch& action);
  void run(Wait& action);
  void run(Synced& action);
  void run(Changed& action);
  void run(Troubled& action);
  void run(Recovered& action);

  ApiClient& client_;
  WatcherCallbacks callbacks_;
  ListWatch state_;
  boost::asio::steady_timer timer_;
  Call call_;
};

// The resources that programs watch.
Resource all_nodes();           // in full
Resource all_nodes_metadata();  // see Resource::metadata_only
Resource one_node(const std::string& name);
Resource key_secret();

// For jitter, so that programs started together do not send requests together.
uint64_t random_seed();

}  // namespace pellicle
