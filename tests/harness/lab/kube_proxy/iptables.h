// kube-proxy's iptables mode, and what its other modes and the kubelet need of iptables.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/harness/lab/kube_proxy/service.h"

namespace pellicle::lab {

// One table's part of what iptables-restore --noflush reads. Chains are made, or emptied, where
// they are declared; jumps into them are put before all else that a built-in chain has.
struct IptablesTable {
  struct Jump {
    std::string chain;
    std::string rule;
  };
  std::set<std::string> chains;
  std::vector<std::string> rules;  // "KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"
  std::vector<Jump> jumps;         // in their order afterwards
  void add(const std::string& chain, const std::string& rule);
};
using IptablesInput = std::map<std::string, IptablesTable>;  // by the table's name

std::string restore_input(const IptablesInput& tables);

// The words of a comment, with a space behind.
std::string comment(const std::string& text);

// As kube-proxy 1.36 leaves the tables of a node, but for its counters (-m nfacct), which it leaves
// out where it cannot make them.
IptablesInput iptables_mode(const ProxiedNode& node);

// Parts of it that other modes have as well, or the kubelet.
void add_masquerading(IptablesTable& nat);
void add_firewall(const ProxiedNode& node, IptablesTable& filter);

}  // namespace pellicle::lab
