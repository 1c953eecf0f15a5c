// The contract that every Kernel fulfils. suite.cpp holds the cases. A program that links
// pellicle_contract_suite defines make_site() and runs them all: one over the in-memory kernel, one
// over Linux.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/reconcile/kernel.h"

namespace pellicle::contract {

// One operating system for one case: a fresh network namespace or its in-memory counterpart. It has
// an uplink eth0 (up, 172.18.0.3/16, MTU 1500), no objects of Pellicle, and no pods.
struct Site {
  // The kernel as an agent that has just started on this site sees it: what an agent keeps in
  // memory is gone, what it keeps in the kernel or in its state directory is still there.
  std::function<std::shared_ptr<Kernel>()> start_agent;

  // Adds foreign objects by other means than Kernel::apply, without any record that Pellicle owns
  // them. Used for states, policies, routes and rules.
  std::function<void(const KernelState&)> plant;

  // One line for each XFRM state, XFRM policy, route and rule in the kernel, whoever owns it,
  // except the `lookup local` rule and objects that the kernel made itself. Equal objects give
  // equal lines (no counters, no times, no key bytes).
  std::function<std::set<std::string>()> listing;
};

Site make_site();

}  // namespace pellicle::contract
