#include "tests/harness/lab/lab.h"

#include <cstdio>
#include <filesystem>

namespace pellicle::lab {

namespace {

constexpr const char* kServiceAccount = "system:serviceaccount:kube-system:pellicle";
constexpr uint16_t kApiPort = 6443;

std::string results_dir() {
  const char* results = std::getenv("PELLICLE_RESULTS");
  std::string directory = results != nullptr ? results : "/run/lab/log";
  std::filesystem::create_directories(directory);
  return directory;
}

api::Json node_object_of(const NodeSpec& node, bool published) {
  for (const api::SeedNode& seed : api::kSeedNodes) {
    if (seed.name == node.name) return api::node_object(seed, published);
  }
  const std::string address = node.address.to_string();
  const std::string cidr = node.pod_cidr.to_string();
  const std::string router = node.router.to_string();
  const std::string boot_id = api::new_uid();
  return api::node_object({.name = node.name.c_str(),
                           .internal_ip = address.c_str(),
                           .pod_cidr = cidr.c_str(),
                           .cilium_host = router.c_str(),
                           .boot_id = boot_id.c_str()},
                          published);
}

// Adds the node's families: api::node_object covers IPv4 only.
api::Json node_object(const NodeSpec& node, bool published) {
  auto object = node_object_of(node, published);
  auto& addresses = object["status"]["addresses"];
  auto& annotations = object["metadata"]["annotations"];
  auto& cidrs = object["spec"]["podCIDRs"];
  if (!node.ipv4) {
    addresses.erase(0);
    annotations.erase("network.cilium.io/ipv4-cilium-host");
    cidrs = api::Json::array();
  }
  if (node.ipv6) {
    addresses.push_back({{"type", "InternalIP"}, {"address", node.ipv6->address.to_string()}});
    if (published) {
      annotations["network.cilium.io/ipv6-cilium-host"] = node.ipv6->router.to_string();
    }
    cidrs.push_back(node.ipv6->pod_cidr.to_string());
    object["spec"]["podCIDR"] = cidrs.front();
  }
  return object;
}

}  // namespace

std::string pair_key_line() {
  std::string line = api::kSeedKeyLine;
  return line.insert(line.find(' '), "+");
}

Lab::Lab(LabOptions options) : options_(std::move(options)), log_dir_(results_dir()) {
  std::filesystem::create_directories(capture_dir_);
  network_ = std::make_unique<Network>(capture_dir_, options_.nodes, options_.recorded);
  api_ = std::make_unique<ApiFixture>("172.18.0.1", kApiPort);
  api_->create(api::key_secret(options_.key_line));
  for (const NodeSpec& node : options_.nodes) make_agent(node.name);
}

Lab::~Lab() {
  for (auto& [name, agent] : agents_) {
    if (agent.running()) agent.kill();
  }
  agents_.clear();
  pods_.clear();
  try {
    for (Capture& capture : captures_) capture.stop();
  } catch (const LabError& error) {
    std::fprintf(stderr, "lab: %s\n", error.what());
  }
  network_.reset();
  keep_captures();
}

// The Node object, and the agent with its access to the API.
void Lab::make_agent(const std::string& name) {
  const NodeSpec& node = network_->node(name);
  addresses_.push_back({node.pod_cidr, node.router});
  if (node.ipv6) addresses_.push_back({node.ipv6->pod_cidr, node.ipv6->router});
  api_->create(node_object(node, options_.published));
  const std::string token = "token-of-" + name;
  api_->allow_token(token, kServiceAccount);
  agents_.erase(name);
  agents_.emplace(name, NodeAgent(name, api::kubeconfig(api_->url(), api_->ca_pem(), token),
                                  log_dir_ + "/" + name + "-agent.log"));
}

void Lab::keep_captures() {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(capture_dir_, ignored)) {
    if (file.path().extension() != ".pcap") continue;
    std::filesystem::copy_file(file.path(), log_dir_ + "/" + file.path().filename().string(),
                               std::filesystem::copy_options::overwrite_existing, ignored);
  }
}

void Lab::add_node(const NodeSpec& node) {
  network_->add(node);
  make_agent(node.name);
}

void Lab::remove_node(const std::string& name) {
  NodeAgent& leaving = agent(name);
  if (leaving.running()) leaving.kill();
  std::erase_if(pods_, [&](const auto& entry) { return entry.second.node == name; });
  api_->remove(api::node_key(name));
  network_->remove(name);
}

void Lab::set_key(const std::string& key_line) {
  options_.key_line += "\n" + key_line;
  const api::Json secret = api::key_secret(key_line);
  if (api_->get(api::key_of(secret))) {
    api_->patch(api::key_of(secret), {{"data", secret.at("data")}});
  } else {
    api_->create(secret);
  }
}

NodeAgent& Lab::agent(const std::string& node) {
  const auto found = agents_.find(node);
  if (found == agents_.end()) throw LabError("the lab has no node " + node);
  return found->second;
}

void Lab::start_agent(const std::string& node) {
  agent(node).start(options_.agent_config);
  if (!agent(node).wait_ready()) {
    throw LabError("the agent of " + node + " does not become ready; it said:\n" +
                   agent(node).log());
  }
}

void Lab::start_agents() {
  for (auto& [name, agent] : agents_) {
    if (!agent.running()) agent.start(options_.agent_config);
  }
  for (auto& [name, agent] : agents_) {
    if (!agent.wait_ready()) {
      throw LabError("the agent of " + name + " does not become ready; it said:\n" + agent.log());
    }
  }
}

Result Lab::in_node(const std::string& node, const std::string& command) {
  return sh_in(network_->node(node).name, command);
}

Capture& Lab::capture(const std::string& netns, const std::string& dev, const std::string& filter) {
  const std::string file = capture_dir_ + "/" + std::to_string(captures_.size()) + "-" +
                           (netns.empty() ? "root" : netns) + "-" + dev + ".pcap";
  captures_.emplace_back(CaptureSpec{.netns = netns, .dev = dev, .filter = filter}, file);
  captures_.back().ready();
  return captures_.back();
}

std::string Lab::mac_of(const std::string& netns, const std::string& dev) {
  std::string mac = must_in(netns, "ip -br link show dev " + dev + " | awk '{print $3}'");
  while (!mac.empty() && mac.back() == '\n') mac.pop_back();
  return mac;
}

std::vector<Packet> Lab::cleartext() {
  return cleartext_between_pods(network_->wire(), addresses_);
}

}  // namespace pellicle::lab
