// The law every Kernel obeys. suite.cpp holds the cases; a program that links
// pellicle_contract_suite defines make_site() and gets them all: once over the in-memory kernel,
// once over Linux.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/reconcile/kernel.h"

namespace pellicle::contract {

// One operating system for one case: a fresh network namespace or its twin in memory. It has an
// uplink eth0 (up, 172.18.0.3/16, MTU 1500), nothing of ours, and no pods.
struct Site {
  // The kernel as an agent sees that has just started on this site: whatever an agent keeps in
  // memory is gone, whatever it keeps in the kernel or in its state directory is still there.
  std::function<std::shared_ptr<Kernel>()> start_agent;

  // Puts somebody else's objects there, by other means than Kernel::apply and without any record
  // that they are ours. Used for states, policies, routes and rules.
  std::function<void(const KernelState&)> plant;

  // One line for each XFRM state, XFRM policy, route and rule of the kernel, whoever owns it,
  // except the `lookup local` rule and what the kernel made by itself; equal for equal objects (no
  // counters, no times, no key bytes).
  std::function<std::set<std::string>()> listing;
};

Site make_site();

}  // namespace pellicle::contract
