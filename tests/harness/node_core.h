// One node's core with its parts: an agent without API server, sockets and devices.
#pragma once

#include "agent/core/core.h"
#include "agent/core/key_rotation.h"
#include "tests/harness/cluster_objects.h"

namespace pellicle {

struct NodeCore {
  NodeCore(const Settings& settings, Kernel& kernel, const std::string& state_dir,
           const std::string& boot_id, Core::Now now);

  void tell(const Node& node) { store.node_changed(node_object(node), false); }
  void tell(const IpsecKey& key) { store.secret_changed(secret_object(key), false); }
  void forget(const std::string& name) { store.node_changed({.name = name, .text = "{}"}, true); }
  // A complete LIST of the API server. Until the first one nothing is known.
  void list(const std::map<std::string, Node>& nodes, const std::optional<IpsecKey>& key);
  // The record of pods is complete: from then on a pass also removes.
  void adopt_pods() { endpoints.adopt(kernel.facts().pod_devices, {}); }
  std::vector<Refusal> pass();  // as Passes::run() makes it

  Kernel& kernel;
  Store store;
  KeyUse keys;
  Endpoints endpoints;
  NarrowPaths paths;
  Core core;
  KeyRotation rotation;

  static constexpr std::chrono::seconds kPatience{5};  // of the rotation
};

}  // namespace pellicle
