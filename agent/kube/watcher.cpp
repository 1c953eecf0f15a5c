#include "agent/kube/watcher.h"

#include <random>

namespace pellicle {
namespace {

WallTime now() {
  return std::chrono::system_clock::now();
}

}  // namespace

Resource all_nodes() {
  return {.title = "nodes", .path = "/api/v1/nodes", .field_selector = ""};
}

Resource all_nodes_metadata() {
  auto resource = all_nodes();
  resource.metadata_only = true;
  return resource;
}

Resource one_node(const std::string& name) {
  return {.title = "this node", .path = "/api/v1/nodes", .field_selector = "metadata.name=" + name};
}

Resource key_secret() {
  return {.title = "secret kube-system/cilium-ipsec-keys",
          .path = "/api/v1/namespaces/kube-system/secrets",
          .field_selector = "metadata.name=cilium-ipsec-keys"};
}

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

Watcher::Watcher(boost::asio::io_context& io, ApiClient& client, Resource resource, uint64_t seed,
                 WatcherCallbacks callbacks, const Pace& pace)
    : client_(client), callbacks_(std::move(callbacks)), timer_(io) {
  state_.resource = std::move(resource);
  state_.seed = seed;
  state_.pace = pace;
}

void Watcher::start() {
  handle(Tick{now()});
}

void Watcher::handle(const ListWatchEvent& event) {
  auto next = step(std::move(state_), event);
  state_ = std::move(next.state);
  for (auto& action : next.actions) {
    std::visit([this](auto& wanted) { run(wanted); }, action);
  }
}

void Watcher::run(SendList& action) {
  call_ = client_.request(action.request, [this](Response response) {
    handle(ListAnswered{.now = now(), .response = std::move(response)});
  });
}

void Watcher::run(OpenWatch& action) {
  call_ = client_.watch(
      action.request,
      {.on_open = [this] { handle(WatchOpened{now()}); },
       .on_frame =
           [this](std::string line) {
             handle(FrameArrived{.now = now(), .line = std::move(line)});
           },
       .on_end =
           [this](WatchEnd end) { handle(WatchEnded{.now = now(), .end = std::move(end)}); }});
}

void Watcher::run(CloseWatch&) {
  call_.cancel();
}

void Watcher::run(Wait& action) {
  timer_.expires_after(action.delay);
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) handle(Tick{now()});
  });
}

void Watcher::run(Synced& action) {
  callbacks_.on_sync(std::move(action.objects));
}

void Watcher::run(Changed& action) {
  callbacks_.on_change(std::move(action.object), action.deleted);
}

void Watcher::run(Troubled& action) {
  if (callbacks_.on_trouble) callbacks_.on_trouble(action.sentence, action.since);
}

void Watcher::run(Recovered&) {
  if (callbacks_.on_healthy) callbacks_.on_healthy();
}

}  // namespace pellicle
