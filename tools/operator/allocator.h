// Which Node gets which PodCIDR. Pure: Nodes come in as values, and assignments go out.
//
// A Node's own PodCIDRs are accepted and never changed: spec.podCIDRs, else its annotations. This
// one rule covers a restart, another replica and another allocator. Deleted Nodes no longer show
// which PodCIDRs they had, but their pods may still run; replicas pass that knowledge on in a
// record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/desired/claims.h"
#include "agent/model/ip.h"
#include "tools/operator/cidr_pool.h"
#include "tools/operator/pool_record.h"

namespace pellicle {

// A Node, reduced to what allocation needs.
struct NodeView {
  std::string name;
  std::string uid;                   // changes when the Node is deleted and made again
  std::string version;               // metadata.resourceVersion
  std::string created;               // RFC 3339; in a conflict the older Node wins, ...
  bool silent = false;               // ... unless it is silent: its Ready condition is Unknown
  bool in_spec = false;              // pod_cidrs are spec.podCIDRs, which cannot be changed
  std::vector<Cidr> pod_cidrs;       // in force
  std::vector<IpAddress> addresses;  // InternalIPs
  std::string unreadable;            // one sentence when its PodCIDRs are malformed
  auto operator<=>(const NodeView&) const = default;
};

// To write to a Node: all its PodCIDRs, IPv4 first.
struct Assignment {
  NodeView node;
  std::vector<Cidr> pod_cidrs;
  auto operator<=>(const Assignment&) const = default;
};

// What is wrong with a Node. The reasons are those of kube-controller-manager's Events where it has
// one.
struct Finding {
  std::string node;
  std::string uid;
  std::string reason;  // "CIDRNotAvailable", "CIDRConflict", "CIDRAssignmentFailed"
  std::string sentence;
  auto operator<=>(const Finding&) const = default;
};

struct AllocationPlan {
  std::vector<Assignment> assignments;  // oldest Node first
  std::vector<Finding> findings;
};

struct ClusterPoolUse {
  uint64_t size = 0;
  uint64_t used = 0;  // PodCIDRs of the pool; others that overlap them do not count
};

class Allocator {
 public:
  // Pools are used in their order. Never assigns a PodCIDR that overlaps `reserved` or contains a
  // Node's InternalIP.
  Allocator(std::vector<CidrPool> pools, std::vector<Cidr> reserved);

  void listed(std::vector<NodeView> nodes);  // the complete set
  void changed(NodeView node);
  void removed(const std::string& name);

  // The missing assignments. An assignment stays fixed, and is returned again, until the Node shows
  // it, is gone, or refused() withdraws it: a request with an unknown outcome may have succeeded.
  AllocationPlan plan();
  void refused(const std::string& node);

  // record(): all PodCIDRs ever assigned, as far as this replica knows. remember(): takes another
  // replica's record. A used PodCIDR that it does not list as freed counts as freed last.
  PoolRecord record() const;
  void remember(const PoolRecord& record);

  std::map<Family, ClusterPoolUse> use() const;
  size_t nodes() const { return nodes_.size(); }

 private:
  struct Promise {
    std::string uid;
    std::vector<Cidr> pod_cidrs;
  };
  struct Released {
    uint64_t turn = 0;  // higher: freed later
    std::string node;   // last Node that had it
  };
  using Cursors = std::vector<uint64_t>;

  void release(const NodeView& before);
  void keep_promise(const NodeView& node);
  std::set<Cidr> held() const;
  std::vector<const NodeView*> by_trust() const;
  bool serves(Family family) const;
  bool complete(const NodeView& node) const;
  void claim_pods(const NodeView& node, Claims& claims, AllocationPlan& plan);
  void claim_promise(const NodeView& node, Claims& claims);
  void serve(const NodeView& node, Claims& claims, Cursors& cursors, AllocationPlan& plan);
  std::vector<Cidr> choose(const NodeView& node, Claims& claims, Cursors& cursors,
                           AllocationPlan& plan);
  std::optional<Cidr> take(Family family, const std::string& node, Claims& claims,
                           Cursors& cursors);
  std::optional<Cidr> take_released(Family family, const std::string* node, Claims& claims);
  bool free(const Cidr& cidr, const std::string& node, Claims& claims) const;

  std::vector<CidrPool> pools_;
  std::vector<Cidr> reserved_;
  std::map<std::string, NodeView> nodes_;
  std::map<std::string, Promise> promises_;
  std::map<Cidr, Released> released_;
  uint64_t turns_ = 0;
  std::set<std::string> disputed_;  // Nodes whose PodCIDRs an older one has; set by plan()
};

}  // namespace pellicle
