#include "tools/ctl/key_rotate.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <random>
#include <set>

#include "agent/kube/key_writer.h"
#include "agent/kube/watcher.h"
#include "tools/ctl/exit.h"

namespace pellicle::ctl {

namespace {

using Clock = std::chrono::steady_clock;
using How = KeyWritten::How;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string key_text(const IpsecKey& key) {
  return "key " + std::to_string(key.id) + ", " + algorithm_name(key.algorithm) +
         (key.per_pair ? ", one key per pair of nodes" : ", one key for all nodes");
}

class Rotation {
 public:
  Rotation(const ApiAccess& access, const RotateOptions& options, std::ostream& out,
           std::ostream& complaints)
      : options_(options),
        out_(out),
        complaints_(complaints),
        client_(io_, access),
        watcher_(io_, client_, all_nodes(), std::random_device()(), watching()),
        writer_(client_, options.wishes, writing()),
        limit_(io_, options.limit) {}

  int run() {
    limit_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) time_is_over();
    });
    watcher_.start();
    io_.run();
    return status_;
  }

 private:
  WatcherCallbacks watching() {
    return {.on_sync = [this](const std::vector<ApiObject>& objects) { nodes_listed(objects); },
            .on_change = [this](const ApiObject& object,
                                bool deleted) { node_changed(object, deleted); },
            .on_trouble = [this](const std::string& sentence, WallTime) { cannot_watch(sentence); },
            .on_healthy = [this] { complain("the Nodes are watched again"); }};
  }

  KeyWriter::Callbacks writing() {
    return {.nodes = [this] { return nodes_; },
            .on_note = [this](const std::string& sentence) { complain(sentence); },
            .on_done = [this](const KeyWritten& result) { written(result); }};
  }

  void complain(const std::string& sentence) {
    complaints_ << "pellicle: " << sentence << "\n" << std::flush;
  }

  void finish(int status) {
    status_ = status;
    io_.stop();
  }

  void nodes_listed(const std::vector<ApiObject>& objects) {
    nodes_.clear();
    for (const auto& object : objects) nodes_[object.name] = decode_node(object).node;
    if (!std::exchange(listed_, true)) return writer_.start();
    progress();
  }

  void node_changed(const ApiObject& object, bool deleted) {
    if (deleted) {
      nodes_.erase(object.name);
    } else {
      nodes_[object.name] = decode_node(object).node;
    }
    progress();
  }

  void cannot_watch(const std::string& sentence) {
    complain(sentence);
    if (listed_) return;  // the watcher retries until the time limit
    complain("without knowing the Nodes no key is written; nothing was changed");
    finish(kUnreachable);
  }

  void written(const KeyWritten& result) {
    switch (result.how) {
      case How::written:
        return begin_waiting(result.next);
      case How::needless:
        out_ << result.sentence << "\n";
        return finish(kOk);
      case How::refused:
        complain(result.sentence);
        return finish(kUsage);
      case How::failed:
        complain(result.sentence);
        return finish(kDegraded);
    }
  }

  void begin_waiting(const NextKey& next) {
    new_key_ = next.key.id;
    since_ = Clock::now();
    out_ << "before: " << (next.before ? key_text(*next.before) : std::string("no Secret"))
         << "\nnow:    " << key_text(next.key) << "\n"
         << std::flush;
    if (!options_.wait) return finish(kOk);
    for (const auto& [name, node] : nodes_) {
      if (node.router_ipv4 || node.router_ipv6 || node.key_id) continue;
      out_ << "  " << name << " is not waited for: no agent has published it\n";
    }
    progress();
  }

  // Reports the nodes that have taken the new key since the last call.
  void progress() {
    if (!new_key_) return;
    for (const auto& [name, node] : nodes_) {
      if (node.key_id != new_key_ || !arrived_.insert(name).second) continue;
      std::array<char, 32> after{};
      std::snprintf(after.data(), after.size(), "%.1f s",
                    std::chrono::duration<double>(Clock::now() - since_).count());
      out_ << "  " << name << " has key " << +*new_key_ << " after " << after.data() << "\n"
           << std::flush;
    }
    if (!nodes_without_key(nodes_, *new_key_).empty()) return;
    out_ << "done: " << arrived_.size() << " nodes have key " << +*new_key_ << "\n";
    finish(kOk);
  }

  void time_is_over() {
    const auto seconds = std::to_string(options_.limit.count()) + " s";
    if (!new_key_) {
      complain("no answer from the API for " + seconds + "; see whether the key was written");
      return finish(kUnreachable);
    }
    const auto lacking = nodes_without_key(nodes_, *new_key_);
    complain("after " + seconds + " " + std::to_string(lacking.size()) +
             " nodes do not have the new key; they go on with the one before it:");
    for (const auto& name : lacking) complaints_ << "  " << name << "\n";
    finish(kDegraded);
  }

  RotateOptions options_;
  std::ostream& out_;
  std::ostream& complaints_;
  boost::asio::io_context io_;
  ApiClient client_;
  std::map<std::string, Node> nodes_;
  bool listed_ = false;
  std::optional<uint8_t> new_key_;  // set once it is written
  Clock::time_point since_;
  std::set<std::string> arrived_;
  int status_ = kDegraded;
  Watcher watcher_;
  KeyWriter writer_;
  boost::asio::steady_timer limit_;
};

}  // namespace

ApiAccess caller_access(const std::string& kubeconfig) {
  if (!kubeconfig.empty()) return kubeconfig_access(kubeconfig);
  const auto listed = variable("KUBECONFIG");
  if (!listed.empty()) return kubeconfig_access(listed.substr(0, listed.find(':')));
  const auto host = variable("KUBERNETES_SERVICE_HOST");
  if (!host.empty()) return in_cluster_access(host, variable("KUBERNETES_SERVICE_PORT"));
  return kubeconfig_access(std::filesystem::path(variable("HOME")) / ".kube/config");
}

int rotate_key(const ApiAccess& access, const RotateOptions& options, std::ostream& out,
               std::ostream& complaints) {
  return Rotation(access, options, out, complaints).run();
}

}  // namespace pellicle::ctl
