// Which Node gets which PodCIDR. Pure: it is told what Nodes say, and says what to write.
//
// What a Node says is taken over and never changed: spec.podCIDRs, else its annotations. So a
// restart, another replica and another allocator are all met by the same rule. What Nodes
// cannot say, being gone, is which PodCIDRs others had before: their pods may still run. That is
// told from replica to replica by a record.
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

// What a Node says, as far as allocation goes.
struct NodeView {
  std::string name;
  std::string uid;                   // another one: deleted, and made again
  std::string version;               // metadata.resourceVersion
  std::string created;               // RFC 3339; the older Node is believed, ...
  bool silent = false;               // ... unless nothing has been heard of it for a while
  bool in_spec = false;              // pod_cidrs are spec.podCIDRs: they can never be changed
  std::vector<Cidr> pod_cidrs;       // in force
  std::vector<IpAddress> addresses;  // InternalIPs
  std::string unreadable;            // a sentence: its PodCIDRs cannot be read
  auto operator<=>(const NodeView&) const = default;
};

// To be written to a Node: all its PodCIDRs, IPv4 first.
struct Assignment {
  NodeView node;
  std::vector<Cidr> pod_cidrs;
  auto operator<=>(const Assignment&) const = default;
};

// Why a Node is not as it should be. The reasons are those of kube-controller-manager's events
// where it has one.
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
  uint64_t used = 0;  // of the pool's own PodCIDRs; what overlaps them otherwise is not counted
};

class Allocator {
 public:
  // Pools are used in their order. Nothing is given out that overlaps `reserved`, or that holds an
  // InternalIP of a Node.
  Allocator(std::vector<CidrPool> pools, std::vector<Cidr> reserved);

  void listed(std::vector<NodeView> nodes);  // these exist and no others
  void changed(NodeView node);
  void removed(const std::string& name);

  // What is missing. An assignment stays as it is, and is repeated, until the Node says it, has
  // gone, or refused() takes it back: a request whose outcome is not known may have succeeded.
  AllocationPlan plan();
  void refused(const std::string& node);

  // What has ever been given out, as far as this replica knows; and what another one knew. What it
  // did not write down as freed counts as freed after all of that.
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
    uint64_t turn = 0;  // what was freed later has a higher one
    std::string node;   // had it last
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
  std::set<std::string> disputed_;  // Nodes whose PodCIDRs an older one has; by plan()
};

}  // namespace pellicle
