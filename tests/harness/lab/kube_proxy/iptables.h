// kube-proxy's iptables mode, and the iptables rules of its other modes and of kubelet.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/lab/kube_proxy/service.h"

namespace pellicle::lab {

// One table's input for iptables-restore --noflush. Declaring a chain creates or empties it. Jumps
// are inserted before everything else in a built-in chain.
struct IptablesTable {
  struct Jump {
    std::string chain;
    std::string rule;
  };
  std::set<std::string> chains;
  std::vector<std::string> rules;  // "KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"
  std::vector<Jump> jumps;         // in their final order
  void add(const std::string& chain, const std::string& rule);
};
using IptablesInput = std::map<std::string, IptablesTable>;  // by table name

std::string restore_input(const IptablesInput& tables);

// A comment match, with a trailing space.
std::string comment(const std::string& text);

// A node's tables as kube-proxy 1.36 leaves them, without its counters (-m nfacct), which
// kube-proxy itself leaves out where it cannot create them.
IptablesInput iptables_mode(const ProxiedNode& node);

// Parts that other modes or kubelet also use.
void add_masquerading(IptablesTable& nat);
void add_firewall(const ProxiedNode& node, IptablesTable& filter);

}  // namespace pellicle::lab
