// What a container runtime does by the CNI specification (1.1.0, sections 2 and 3), without a
// container: it calls the plugins of a configuration list in a node's network namespace.
//
//   const NodeAgent& agent = lab.agent("worker");
//   install_plugins(agent.cni_bin_dir(), {"portmap"});
//   lab.start_agents();
//   CniRuntime runtime("worker", agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir()));
//   const CniPod pod{.id = "sandbox-1", .netns = make_netns("net")};
//   REQUIRE(runtime.add(pod).ok());
//   REQUIRE(runtime.check(pod).ok());
//   REQUIRE(runtime.remove(pod).ok());
#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/harness/lab/shell.h"

namespace pellicle::lab {

struct CniPod {
  std::string id;               // CNI_CONTAINERID
  std::string netns;            // CNI_NETNS: a path; may be empty for DEL
  std::string ifname = "eth0";  // CNI_IFNAME
  std::string args;             // CNI_ARGS: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=net"
  // By capability, what the runtime asks of the plugins that have it: {"portMappings": [...]}.
  nlohmann::json wishes = nlohmann::json::object();
};

// What one plugin, and with it a chain, came to.
struct CniAnswer {
  int status = 0;         // exit status of the plugin called last; 124: the time limit
  std::string plugin;     // its type
  std::string output;     // its stdout
  std::string errors;     // its stderr
  nlohmann::json result;  // its stdout as JSON; null when it is none

  bool ok() const { return status == 0; }
  int code() const;                            // "code" of an error object; 0 when there is none
  std::vector<std::string> addresses() const;  // of "ips", without prefix lengths
  std::string text() const;                    // all of it, for a test that fails
};

// One plugin, called once.
struct CniCall {
  std::string node;                        // the network namespace that it runs in
  std::string plugin;                      // path of the binary
  std::string input;                       // its stdin
  std::map<std::string, std::string> cni;  // all of its variables that begin with CNI_
};

// Any number of threads may call at once. LabError when the plugin cannot be started.
CniAnswer call_plugin(const CniCall& call, Seconds limit = 90s);

class CniRuntime {
 public:
  // `list` is a network configuration list; LabError when it has no "plugins". Plugins are looked
  // for in `bin_dir` alone.
  CniRuntime(std::string node, std::string bin_dir, nlohmann::json list);

  // Each verb calls plugins until one fails, and answers what the last one said. Any number of
  // threads may use one runtime. ADD's result is kept for the pod's CHECK and DEL.
  CniAnswer add(const CniPod& pod);
  CniAnswer check(const CniPod& pod);
  CniAnswer remove(const CniPod& pod);                  // DEL, from the last plugin to the first
  CniAnswer collect(const std::vector<CniPod>& valid);  // GC: only these are there still
  CniAnswer status();

 private:
  using Key = std::pair<std::string, std::string>;  // container id, device
  CniAnswer call(const std::string& verb, const nlohmann::json& plugin, const CniPod* pod,
                 const nlohmann::json& more) const;
  nlohmann::json kept(const CniPod& pod);

  std::string node_;
  std::string bin_dir_;
  nlohmann::json list_;
  std::mutex mutex_;
  std::map<Key, nlohmann::json> results_;
};

// Puts these of Debian's plugins into a node's folder. An agent that starts afterwards chains them.
void install_plugins(const std::string& bin_dir, const std::vector<std::string>& types);

// What the agent wrote into a node's folder, waited for; LabError when it does not come.
nlohmann::json conflist_in(const std::string& conf_dir);

// A new network namespace for a pod; its path, /run/netns/<name>. As `ip netns` makes and deletes
// them, but without starting a program for it, which is dear in User-Mode Linux.
std::string make_netns(const std::string& name);  // LabError
void remove_netns(const std::string& name);       // absent is success

// $PATH in which `iptables` is iptables-legacy: the guest's kernel lacks nft's ip family, which
// Debian's other iptables needs. ip6tables fails, as without NAT for IPv6: where it does not, CHECK
// of portmap 1.1.1 looks in there for chains that it made for IPv4 alone.
std::string path_with_legacy_iptables();

}  // namespace pellicle::lab
