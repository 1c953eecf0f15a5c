// Applies node_taints.h: watches the agents' pods, and changes Nodes' taints while this replica
// leads.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "agent/kube/taint.h"
#include "agent/kube/watcher.h"
#include "tools/operator/node_taints.h"

namespace pellicle {

class TaintKeeper {
 public:
  // `may_act`: this replica leads, and has listed the Nodes since its election. `client` must
  // outlive the keeper. `space`: the namespace of the agents' pods.
  TaintKeeper(boost::asio::io_context& io, ApiClient& client, TaintPolicy policy,
              const std::string& space, std::function<bool()> may_act);

  void start();  // starts the watch
  void nodes_listed(const std::vector<ApiObject>& nodes);
  void node_changed(const ApiObject& node, bool deleted);
  void rest();  // another replica acts: drops active requests

  uint64_t removed() const { return removed_; }  // by this replica
  uint64_t put() const { return put_; }

 private:
  void look();
  void write(const TaintChange& change);
  void done(const TaintChange& change, bool written);
  void forget(const std::string& node);

  boost::asio::io_context& io_;
  ApiClient& client_;
  std::function<bool()> may_act_;
  NodeTaints taints_;
  Watcher pods_;
  boost::asio::steady_timer timer_;
  std::map<std::string, std::unique_ptr<TaintWriter>> writers_;  // by Node, while active
  std::set<std::string> troubles_;                               // already reported
  uint64_t removed_ = 0;
  uint64_t put_ = 0;
};

}  // namespace pellicle
