#include "tests/harness/node_core.h"

namespace pellicle {

NodeCore::NodeCore(const Settings& settings, Kernel& real, const std::string& state_dir,
                   const std::string& boot_id, Core::Now now)
    : kernel(real),
      store(settings.node_name),
      keys(state_dir, boot_id),
      endpoints(state_dir),
      paths(state_dir),
      core(settings, {kernel, store, keys, endpoints, paths}, std::move(now)),
      rotation(store, keys, kernel, kPatience) {}

void NodeCore::list(const std::map<std::string, Node>& nodes, const std::optional<IpsecKey>& key) {
  std::vector<ApiObject> objects;
  for (const auto& [name, node] : nodes) objects.push_back(node_object(node));
  store.nodes_listed(objects);
  store.secret_listed(key ? std::vector{secret_object(*key)} : std::vector<ApiObject>{});
}

std::vector<Refusal> NodeCore::pass() {
  for (int i = 0; i < kMostSteps; ++i) {
    auto actual = kernel.dump();
    auto step = core.next(actual);
    auto refusals = core.apply(step.plan);
    if (!core.took(std::move(step), std::move(refusals))) break;
  }
  return core.last().refusals;
}

}  // namespace pellicle
