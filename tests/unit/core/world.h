// A worker and its peers for the tests of passes: an agent without API server and devices.
#pragma once

#include <algorithm>
#include <memory>

#include "agent/core/passes.h"
#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/node_core.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::passes_test {

using namespace std::chrono_literals;

inline Node node(const std::string& name, const char* cidr, const char* internal,
                 const char* router) {
  return {.name = name,
          .created = "2026-01-01T00:00:00Z",
          .pod_cidrs = {seed::cidr(cidr)},
          .internal_ipv4 = seed::ip(internal),
          .router_ipv4 = seed::ip(router),
          .key_id = uint8_t{3}};
}

inline const Node kWorker = node("worker", "10.0.1.0/24", "172.18.0.3", "10.0.1.138");
inline const Node kPeer = node("worker2", "10.0.0.0/24", "172.18.0.4", "10.0.0.40");
inline const Node kJoining = node("worker3", "10.0.3.0/24", "172.18.0.5", "10.0.3.1");

inline IpsecKey key(bool per_pair = false) {
  return {.id = 3, .algorithm = seed::gcm(7), .per_pair = per_pair};
}

inline constexpr const char* kBoot = "11111111-1111-1111-1111-111111111111";

inline Settings worker() {
  Settings settings;
  settings.node_name = "worker";
  return settings;
}

// A worker with one peer, on an in-memory kernel.
struct World {
  explicit World(const IpsecKey& first = key(), std::chrono::seconds resync = 3600s)
      : resync_(resync) {
    kernel.add_device("eth0", {.mtu = 1500, .addresses = {{seed::ip("172.18.0.3"), 16}}});
    kernel.program_tags = seed::program_tags();
    restart();
    node->list({{"worker", kWorker}, {"worker2", kPeer}}, first);
  }

  // Runs the loop for `time`; it never runs out of work, because a resync is always due.
  void run_for(std::chrono::milliseconds time) {
    context.restart();
    context.run_for(time);
  }

  // The watch reports another node's Node.
  void change(const Node& peer) {
    node->tell(peer);
    passes->peer_changed(peer.name, node->store.node(peer.name));
  }
  void remove(const std::string& name) {
    node->forget(name);
    passes->peer_changed(name, node->store.node(name));
  }

  // The agent ends, and another one begins that nothing was listed to.
  void restart() {
    node = std::make_unique<NodeCore>(worker(), kernel, directory.path(), kBoot, [this] {
      auto now = Core::machine_time();
      now.now += later;
      return now;
    });
    passes = std::make_unique<Passes>(context, kernel, node->core, resync_, [this] { ++after; });
    node->adopt_pods();
  }

  const LastPass& last() const { return node->core.last(); }
  const PassReport& report() const { return passes->report(); }
  bool in_step() { return node->core.preview().empty(); }

  TemporaryDirectory directory;
  boost::asio::io_context context;
  MemoryKernel kernel;
  std::chrono::seconds resync_;
  std::chrono::seconds later{0};  // how far the agent's clock is ahead
  int after = 0;                  // passes that ended
  std::unique_ptr<NodeCore> node;
  std::unique_ptr<Passes> passes;
};

}  // namespace pellicle::passes_test
