#include "tests/bench/cluster/site.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>

#include "tests/bench/cluster/node_object.h"
#include "tests/harness/api/seed.h"

namespace pellicle::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kAgentToken = "agent";
constexpr const char* kOperatorToken = "operator";
constexpr const char* kKeyLine =
    "3+ rfc4106(gcm(aes)) 000102030405060708090a0b0c0d0e0f10111213 128";
constexpr const char* kEpochs = "pellicle.io/epochs";

std::string annotation(const api::Json& node, const char* name) {
  const auto& all = node["metadata"]["annotations"];
  return all.contains(name) ? all[name].get<std::string>() : "";
}

bool by_agent(const api::RequestSeen& request) {
  return request.user_agent.starts_with("pellicle-agent/");
}

}  // namespace

Site::Site(size_t count, Form form) : count_(count) {
  api_.allow_token(kAgentToken, "system:serviceaccount:kube-system:pellicle-agent");
  api_.allow_token(kOperatorToken, "system:serviceaccount:kube-system:pellicle-operator");
  if (form == Form::full) api_.set_metadata_served(api::MetadataServed::refused);
  api_.create(api::key_secret(kKeyLine));
  for (size_t i = 1; i <= count; ++i) api_.create(fresh_node(i));
  for (const char* who : {kAgentToken, kOperatorToken})
    std::ofstream(files_.path() + "/" + who) << api::kubeconfig(api_.url(), api_.ca_pem(), who);
  agents_ = std::make_unique<Child>(std::vector<std::string>{
      "/proc/self/exe", "--agents", files_.path() + "/" + kAgentToken, std::to_string(count)});
  start_operator();
  wait_until_quiet();
}

void Site::start_operator() {
  operator_ = std::make_unique<Child>(std::vector<std::string>{
      PELLICLE_PROGRAMS "/pellicle-operator", "--kubeconfig", files_.path() + "/" + kOperatorToken,
      "--health-address", "127.0.0.1:0", "--log-level", "error", "--cluster-pool-ipv4-cidr",
      "10.0.0.0/8"});
}

void Site::restart_operator() {
  operator_.reset();
  start_operator();
}

void Site::heartbeats(size_t round) {
  for (size_t i = 1; i <= count_; ++i) {
    const auto node = api_.get(api::node_key(node_name(i)));
    if (node) api_.update(heartbeat(*node, round));
  }
}

std::map<std::string, std::string> Site::all_say(const char* name) const {
  std::map<std::string, std::string> all;
  for (const auto& node : api_.list("nodes")) {
    all[node["metadata"]["name"]] = annotation(node, name);
  }
  return all;
}

// On a busy machine an agent may need longer to begin than the others are quiet.
bool Site::all_announced() const {
  const auto all = all_say("pellicle.io/internal-ips");
  return std::none_of(all.begin(), all.end(), [](const auto& each) { return each.second.empty(); });
}

// Agents spread what may wait over 10 ms for each peer. Returns the seconds until the last request
// of an agent or event.
double Site::wait_until_quiet() {
  const auto patience = 4s + count_ * 10ms;
  const auto began = Clock::now();
  auto last = began;
  auto before = std::pair<uint64_t, size_t>();
  while (Clock::now() - last < patience) {
    std::this_thread::sleep_for(100ms);
    size_t requests = 0;
    for (const auto& each : api_.requests()) requests += by_agent(each) ? 1 : 0;
    const auto now = std::pair(api_.events_sent(), requests);
    if (now != before || !all_announced()) last = Clock::now();
    before = now;
  }
  return std::chrono::duration<double>(last - began).count();
}

Cost Site::cost_of(const std::function<void()>& action) {
  const auto epochs_before = all_say(kEpochs);
  api_.clear_requests();
  const auto events = api_.events_sent();
  const auto bytes = api_.bytes_sent();
  const auto agent_cpu = agents_->cpu_seconds();
  const auto server_cpu = cpu_seconds_of(getpid());
  action();
  Cost cost;
  cost.seconds = wait_until_quiet();
  const auto n = static_cast<double>(count_);
  cost.agent_cpu = (agents_->cpu_seconds() - agent_cpu) * 1000 / n;
  cost.server_cpu = (cpu_seconds_of(getpid()) - server_cpu) * 1000;
  cost.events = static_cast<double>(api_.events_sent() - events) / n;
  cost.bytes = static_cast<double>(api_.bytes_sent() - bytes) / n;
  std::map<std::string, double> patches;
  for (const auto& each : api_.requests()) {
    if (!by_agent(each)) continue;
    if (each.verb == "patch") ++patches[each.path];
    if (each.verb == "list" || each.verb == "get") ++cost.reads;
  }
  for (const auto& [path, number] : patches) {
    cost.patches += number;
    cost.most_patches = std::max(cost.most_patches, number);
  }
  for (const auto& [name, value] : all_say(kEpochs)) {
    const auto found = epochs_before.find(name);
    if (found != epochs_before.end() && found->second != value) cost.new_epochs.insert(name);
  }
  return cost;
}

}  // namespace pellicle::bench
