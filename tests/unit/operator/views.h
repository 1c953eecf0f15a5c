// Nodes in short form for the allocator's tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/operator/allocator.h"

namespace pellicle {

inline Cidr cidr(const std::string& text) {
  return Cidr::parse(text).value();
}

inline CidrPool pool(const std::string& network, unsigned length) {
  return CidrPool::split(cidr(network), length).value();
}

inline NodeView bare(const std::string& name, const std::string& created = "2024") {
  return {.name = name, .uid = "uid-" + name, .version = "1", .created = created};
}

inline NodeView annotated(NodeView node, const std::vector<std::string>& cidrs) {
  for (const auto& text : cidrs) node.pod_cidrs.push_back(cidr(text));
  return node;
}

inline NodeView with_spec(NodeView node, const std::vector<std::string>& cidrs) {
  node.in_spec = true;
  return annotated(std::move(node), cidrs);
}

using Written = std::map<std::string, std::vector<std::string>>;

inline Written written(const AllocationPlan& plan) {
  Written all;
  for (const auto& assignment : plan.assignments) {
    for (const auto& each : assignment.pod_cidrs)
      all[assignment.node.name].push_back(each.to_string());
  }
  return all;
}

}  // namespace pellicle
