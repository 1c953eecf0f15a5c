// Random clusters: Nodes join, leave, return and are written to by other programs; writes succeed,
// fail, or succeed with a lost answer. In any order, no PodCIDR is assigned twice and none is lost.
#include <random>
#include <set>

#include "tests/harness/catch.h"
#include "tests/unit/operator/views.h"

namespace this_file {

using namespace pellicle;

namespace {

class World {
 public:
  explicit World(uint32_t seed)
      : random_(seed), allocator_({pool("10.0.0.0/26", 30), pool("10.1.0.0/27", 30)}, {}) {}

  void step() {
    const auto name = "n" + std::to_string(pick(30));
    switch (pick(8)) {
      case 0:
      case 1:
        if (!nodes_.contains(name)) register_node(name);
        break;
      case 2:
        nodes_.erase(name);
        if (pick(4) != 0) allocator_.removed(name);  // otherwise a later LIST shows it
        break;
      case 3:
        write_by_another(name);
        break;
      case 4:
        restart_or_relist();
        break;
      default:
        act();
    }
    check();
  }

  // Without failures: every Node has a PodCIDR, or none is free.
  void settle() {
    relist();
    for (const auto& assignment : allocator_.plan().assignments) {
      apply(assignment);
      allocator_.changed(nodes_.at(assignment.node.name));
    }
    const auto rest = allocator_.plan();
    CHECK(rest.assignments.empty());
    const auto use = allocator_.use().at(Family::v4);
    const bool somebody_waits = std::any_of(rest.findings.begin(), rest.findings.end(),
                                            [](auto& f) { return f.reason == "CIDRNotAvailable"; });
    if (somebody_waits) CHECK(use.used + conflicted(rest) >= use.size);
    check();
  }

 private:
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_()) % below; }

  static uint64_t conflicted(const AllocationPlan& plan) {
    return static_cast<uint64_t>(
        std::count_if(plan.findings.begin(), plan.findings.end(),
                      [](const Finding& f) { return f.reason == "CIDRConflict"; }));
  }

  void register_node(const std::string& name) {
    auto node = bare(name, std::to_string(100000 + ++clock_));
    node.uid = "uid-" + std::to_string(clock_);
    nodes_[name] = node;
    allocator_.changed(node);
  }

  // kube-controller-manager with its own range.
  void write_by_another(const std::string& name) {
    const auto found = nodes_.find(name);
    if (found == nodes_.end() || found->second.in_spec) return;
    const Cidr theirs(IpAddress::v4(0xC0A80000U + (++others_ << 8)), 24);
    found->second = with_spec(found->second, {theirs.to_string()});
    if (pick(2) == 0) allocator_.changed(found->second);
  }

  void relist() {
    std::vector<NodeView> all;
    for (const auto& [name, node] : nodes_) all.push_back(node);
    allocator_.listed(all);
  }

  void restart_or_relist() {
    if (pick(2) == 0)
      allocator_ = Allocator({pool("10.0.0.0/26", 30), pool("10.1.0.0/27", 30)}, {});
    relist();
  }

  void act() {
    relist();  // a replica acts only on what it has listed
    for (const auto& assignment : allocator_.plan().assignments) {
      const auto outcome = pick(4);
      if (outcome == 0) continue;  // the request was lost
      const bool applied = apply(assignment);
      if (!applied) {
        allocator_.refused(assignment.node.name);
      } else if (outcome != 1) {  // 1: the answer was lost
        allocator_.changed(nodes_.at(assignment.node.name));
      }
    }
  }

  // As the API server does it.
  bool apply(const Assignment& assignment) {
    const auto found = nodes_.find(assignment.node.name);
    if (found == nodes_.end() || found->second.uid != assignment.node.uid) return false;
    if (found->second.in_spec) return false;
    found->second.in_spec = true;
    found->second.pod_cidrs = assignment.pod_cidrs;
    return true;
  }

  void check() {
    std::set<Cidr> seen;
    for (const auto& [name, node] : nodes_) {
      for (const auto& cidr : node.pod_cidrs) {
        INFO(name << " " << cidr.to_string());
        REQUIRE(seen.insert(cidr).second);
      }
    }
  }

  std::mt19937 random_;
  Allocator allocator_;
  std::map<std::string, NodeView> nodes_;
  uint32_t clock_ = 0;
  uint32_t others_ = 0;
};

}  // namespace

TEST_CASE("whatever happens in whatever order, no PodCIDR is given out twice and none is lost") {
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    World world(seed);
    INFO("seed " << seed);
    for (int i = 0; i < 120; ++i) world.step();
    world.settle();
  }
}

}  // namespace this_file
