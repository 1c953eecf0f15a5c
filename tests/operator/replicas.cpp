#include "tests/operator/replicas.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "tests/harness/api/seed.h"
#include "tests/harness/catch.h"

namespace pellicle {

namespace {

constexpr const char* kToken = "operator-token";
const api::Json::json_pointer kPodCidr("/spec/podCIDR");
const api::Json::json_pointer kAnnotation("/metadata/annotations/network.cilium.io~1ipv4-pod-cidr");

}  // namespace

Replicas::Replicas(std::vector<std::string> options, int lease)
    : options_(std::move(options)), lease_(lease) {
  // The HTTP library's thread lives until the process ends. LeakSanitizer reports OpenSSL's error
  // queue of that thread as a leak.
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
  api.allow_token(kToken, "system:serviceaccount:kube-system:pellicle-operator");
  lab::write_file(files_.path() + "/kubeconfig", api::kubeconfig(api.url(), api.ca_pem(), kToken));
}

std::string Replicas::log_path(const std::string& name) const {
  return files_.path() + "/" + name + ".log";
}

std::string Replicas::log(const std::string& name) const {
  return lab::file_text(log_path(name));
}

void Replicas::start(const std::string& name) {
  processes_.erase(name);
  std::vector<std::string> arguments = {PELLICLE_OPERATOR,
                                        "--kubeconfig",
                                        files_.path() + "/kubeconfig",
                                        "--health-address",
                                        "127.0.0.1:0",
                                        "--lease-duration",
                                        std::to_string(lease_),
                                        "--lease-renew-deadline",
                                        "8",
                                        "--lease-retry-period",
                                        "0.5"};
  arguments.insert(arguments.end(), options_.begin(), options_.end());
  processes_.emplace(name, lab::Process(arguments, log_path(name)));
}

void Replicas::kill(const std::string& name) {
  processes_.at(name).stop(SIGKILL);
}

int Replicas::stop(const std::string& name) {
  return processes_.at(name).stop(SIGTERM, lab::Seconds(30));
}

bool Replicas::running(const std::string& name) {
  return processes_.at(name).running();
}

std::string Replicas::acting() {
  const auto lease = api.get(api::lease_key("kube-system", "pellicle-operator"));
  if (!lease) return "";
  const std::string holder = lease->value("/spec/holderIdentity"_json_pointer, "");
  for (auto& [name, process] : processes_) {
    // The log also has the identities of earlier processes.
    const auto said = log(name);
    const auto last = said.rfind("\"identity\":\"");
    if (holder.empty() || last == std::string::npos || !process.running()) continue;
    if (said.find(holder, last) != std::string::npos) {
      return name;
    }
  }
  return "";
}

void Replicas::register_node(const std::string& name) {
  api.create({{"kind", "Node"},
              {"metadata", {{"name", name}, {"labels", {{"kubernetes.io/hostname", name}}}}},
              {"spec", api::Json::object()},
              {"status", api::empty_node_status()}});
}

std::map<std::string, std::string> Replicas::assigned() {
  std::map<std::string, std::string> all;
  for (const auto& node : api.list("nodes")) {
    const std::string cidr = node.value(kPodCidr, "");
    if (cidr.empty()) continue;
    CHECK(node.value(kAnnotation, cidr) == cidr);
    CHECK(node["spec"]["podCIDRs"] == api::Json::array({cidr}));
    all[node["metadata"]["name"]] = cidr;
  }
  return all;
}

bool Replicas::wait_until_assigned(size_t count, lab::Seconds limit) {
  const auto enough = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // copying all Nodes is expensive
    return assigned().size() == count;
  };
  if (lab::wait_until(enough, limit)) return true;
  for (const auto& [name, process] : processes_) UNSCOPED_INFO(name << " said:\n" << log(name));
  return false;
}

std::vector<std::string> Replicas::events(const std::string& reason) {
  std::vector<std::string> nodes;
  for (const auto& event : api.list("events")) {
    if (event["reason"] == reason) nodes.push_back(event["involvedObject"]["name"]);
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

std::vector<std::string> complaints(const ApiFixture& api) {
  std::vector<std::string> complaints;
  std::map<std::string, std::string> had;  // PodCIDR -> uid; all have one size: equal or disjoint
  for (const auto& event : api.history("nodes")) {
    const auto cidr = [](const api::Object& node) {
      return node ? node->value(kPodCidr, "") : std::string();
    };
    const std::string before = cidr(event.previous);
    const std::string now = event.type == api::EventType::deleted ? "" : cidr(event.object);
    if (before == now) continue;
    if (!before.empty()) {
      had.erase(before);
      if (!now.empty()) complaints.push_back(event.key.name + ": " + before + " became " + now);
    }
    if (now.empty()) continue;
    const auto [holder, fresh] = had.emplace(now, event.key.name);
    if (!fresh)
      complaints.push_back(event.key.name + " was given " + now + " of " + holder->second);
  }
  return complaints;
}

}  // namespace pellicle
