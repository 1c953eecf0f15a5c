// A cluster on one kernel: nodes, their agents, pods, the Kubernetes API and the wires, all inside
// a guest. The datapath tests and the demo use it.
//
//   Lab lab;                            // the seed's three nodes, wires captured, API serving
//   lab.start_agents();
//   lab.add_pod("worker", "net", "10.0.1.52");
//   lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
//   REQUIRE(lab.ping("net", "10.0.0.249").ok());
//   REQUIRE(lab.cleartext().empty());
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/harness/api/api_fixture.h"
#include "tests/harness/api/seed.h"
#include "tests/harness/lab/network.h"
#include "tests/harness/lab/node_agent.h"
#include "tests/harness/lab/picture.h"

namespace pellicle::lab {

// The seed's key as a base from which each pair of nodes derives its own: "3+ ...".
std::string pair_key_line();

struct LabOptions {
  std::vector<NodeSpec> nodes = seed_nodes();
  std::string key_line = pair_key_line();  // api::kSeedKeyLine: one key for all nodes
  bool published = true;     // Nodes carry their cilium_host address before any agent runs
  bool recorded = true;      // false: see Network; cleartext() throws
  std::string agent_config;  // extra configuration lines for every agent: "pod-mtu = 1423\n"
};

// "http://10.0.1.52/", "http://[fd00:10:1::34]:8080/"
std::string http_url(const std::string& address, int port = 80);

// Adds /cgi-bin/client to the web server of this name (a pod or any other): it answers with the
// client's address as the server sees it, and a line feed.
void add_client_page(const std::string& server);

class Lab {
 public:
  explicit Lab(LabOptions options = {});
  ~Lab();  // ends everything; copies captures to log_dir()
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  // $PELLICLE_RESULTS, which outlives the guest, or /run/lab/log.
  const std::string& log_dir() const { return log_dir_; }

  // The cluster. A node that joins gets its namespace, its Node object and an agent that is not
  // started. A node that leaves loses all of them and its pods.
  ApiFixture& api() { return *api_; }
  Network& network() { return *network_; }
  void add_node(const NodeSpec& node);
  void remove_node(const std::string& name);
  // Sets `keys` of the Secret, and creates the Secret if it was deleted. Any text: from here on
  // files_with_the_key() searches for what looks like a key in it.
  void set_key(const std::string& key_line);
  // Addresses that a node will change to: cleartext() expects its ESP there as well.
  void expect_addresses(const NodeAddresses& node) { addresses_.push_back(node); }

  // Agents.
  NodeAgent& agent(const std::string& node);
  void start_agent(const std::string& node);  // and waits until it is ready; LabError
  void start_agents();                        // all that are not running, in parallel

  // Pods. Names are unique in the cluster; each has a namespace /run/netns/<name>.
  void add_pod(const std::string& node, const std::string& pod, const std::string& address);
  void add_pod(const std::string& node, const std::string& pod,
               const std::vector<std::string>& addresses);
  void delete_pod(const std::string& pod);
  void serve_http(const std::string& pod);  // port 80: "PodName: <name> | PodIP: eth0 <ip>/32"
  // On every node itself, like a pod with hostNetwork: its page is the node's name and a line
  // break.
  void serve_http_on_nodes(int port);
  Result http_get(const std::string& netns, const std::string& url);  // from a pod or a node
  Result ping(const std::string& netns, const std::string& address, int count = 1);

  Result in_node(const std::string& node, const std::string& command);
  Result in_pod(const std::string& pod, const std::string& command);

  // Captures one device from now on; the file is kept in log_dir() when the lab ends.
  Capture& capture(const std::string& netns, const std::string& dev,
                   const std::string& filter = "");
  std::string mac_of(const std::string& netns, const std::string& dev);

  // The cleartext between nodes since the lab began, see cleartext_between_pods().
  std::vector<Packet> cleartext();

  // The files of log_dir() that hold any key that the lab's Secret has had, in hexadecimal or as
  // raw bytes.
  std::vector<std::string> files_with_the_key();

 private:
  struct Pod {
    std::string node;
    std::string id;
    std::string address;
    std::optional<Process> server;
  };
  void make_agent(const std::string& node);
  void keep_captures();
  const Pod& pod(const std::string& name) const;

  LabOptions options_;
  std::string log_dir_;
  std::string capture_dir_ = "/run/lab/captures";  // a tmpfs: every packet is a write
  std::unique_ptr<Network> network_;
  std::unique_ptr<ApiFixture> api_;
  std::vector<NodeAddresses> addresses_;  // also of nodes that left
  std::map<std::string, NodeAgent> agents_;
  std::map<std::string, Pod> pods_;
  std::list<Process> node_servers_;
  std::list<Capture> captures_;
};

}  // namespace pellicle::lab
