// A replacement is one step in the kernel: the kernel announces no deletion meanwhile.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include <algorithm>

#include "tests/contract/linux_announcements.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::ip;

namespace {

bool contains(const Types& types, uint16_t type) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// One pass in which every operation on objects of `Kind` is a replacement. Returns their number.
template <class Kind>
size_t require_replaced(Kernel& kernel, const KernelState& desired) {
  const auto pass = reconcile(kernel, desired);
  for (const auto& refusal : pass.refusals) UNSCOPED_INFO(refusal.sentence);
  REQUIRE(pass.refusals.empty());
  size_t replaced = 0;
  for (const auto& operation : pass.plan) {
    if (!std::holds_alternative<Change<Kind>>(operation)) continue;
    INFO(describe(operation));
    REQUIRE(action(operation) == Action::replace);
    ++replaced;
  }
  return replaced;
}

}  // namespace

TEST_CASE("in place: a policy gets another template or priority without a moment without one") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  Announcements policies(NETLINK_XFRM, group_bit(XFRMNLGRP_POLICY));

  inputs.nodes.at("worker2").router_ipv4 = ip("10.0.0.41");
  CHECK(require_replaced<Policy>(*kernel, compute(inputs).state) == 1);
  CHECK(policies.heard() == Types{XFRM_MSG_UPDPOLICY});
  CHECK_THAT(shell("ip xfrm policy list dst 10.0.0.0/24"), Contains("dst 10.0.0.41"));

  auto desired = compute(inputs).state;
  for (auto& [key, policy] : desired.policies) policy.priority += 7;
  for (auto& [key, policy] : desired.block_policies) policy.priority += 7;
  const auto all = desired.policies.size() + desired.block_policies.size();
  CHECK(require_replaced<Policy>(*kernel, desired) == all);
  CHECK(policies.heard() == Types(all, XFRM_MSG_UPDPOLICY));
  require_quiet(*kernel, desired);

  inputs.nodes.erase("worker2");  // shows that the listener hears a deletion
  require_pass(*kernel, compute(inputs).state);
  CHECK(contains(policies.heard(), XFRM_MSG_DELPOLICY));
}

TEST_CASE("in place: a route gets another gateway, source or MTU without a moment without one") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  Announcements routes(NETLINK_ROUTE, group_bit(RTNLGRP_IPV4_ROUTE));

  inputs.nodes.at("worker2").internal_ipv4 = ip("172.18.0.44");
  CHECK(require_replaced<Route>(*kernel, compute(inputs).state) == 1);
  CHECK(routes.heard() == Types{RTM_NEWROUTE});

  shell("ip link set eth0 mtu 1400");
  inputs.host = kernel->facts();
  CHECK(require_replaced<Route>(*kernel, compute(inputs).state) == 2);
  CHECK(routes.heard() == Types(2, RTM_NEWROUTE));
  require_quiet(*kernel, compute(inputs).state);

  inputs.nodes.erase("worker2");
  require_pass(*kernel, compute(inputs).state);
  CHECK(contains(routes.heard(), RTM_DELROUTE));
}

TEST_CASE("in place: this node's new address keeps the way to its pods at every moment") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  Announcements policies(NETLINK_XFRM, group_bit(XFRMNLGRP_POLICY));
  inputs.nodes.at("worker").router_ipv4 = ip("10.0.1.139");
  inputs.host.router_ipv4.reset();
  const auto desired = compute(inputs).state;
  REQUIRE(desired.addresses.contains({"cilium_host", ip("10.0.1.139")}));
  for (const auto& operation : plan(desired, kernel->dump())) {
    const auto refusals = kernel->apply({operation});
    CHECK(refusals.empty());
    INFO("after " << describe(operation));
    CHECK_THAT(shell("ip route get 10.0.1.52"), Contains("dev cilium_host"));
  }
  CHECK_FALSE(contains(policies.heard(), XFRM_MSG_DELPOLICY));
  require_quiet(*kernel, desired);
}

TEST_CASE("in place: a program is swapped for another without a moment without one") {
  const LinuxSite site;
  auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  // The maps are unpinned: the next agent loads its own programs and swaps them in.
  shell("rm /sys/fs/bpf/pellicle-test-*/*");
  kernel = site.start_agent();
  Announcements filters(NETLINK_ROUTE, group_bit(RTNLGRP_TC));
  const auto programs = desired.attachments.size() + desired.auditors.size();
  CHECK(require_replaced<Attachment>(*kernel, desired) == programs);
  const auto heard = filters.heard();
  CHECK(std::count(heard.begin(), heard.end(), RTM_NEWTFILTER) ==
        static_cast<std::ptrdiff_t>(programs));
  CHECK_FALSE(contains(heard, RTM_DELTFILTER));
  CHECK_FALSE(contains(heard, RTM_DELQDISC));
  require_quiet(*kernel, desired);
}

TEST_CASE("in place: the pair of devices is neither deleted nor made anew") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = worker_inputs(*kernel);
  require_pass(*kernel, compute(inputs).state);
  const auto indexes = [] { return shell("ip -o link | cut -d@ -f1 | grep cilium"); };
  const auto before = indexes();
  Announcements links(NETLINK_ROUTE, group_bit(RTNLGRP_LINK));
  shell("ip link set eth0 mtu 1400 && ip link set cilium_net arp on");
  inputs.host = kernel->facts();
  CHECK(require_replaced<VethPair>(*kernel, compute(inputs).state) == 1);
  CHECK_FALSE(contains(links.heard(), RTM_DELLINK));
  CHECK(indexes() == before);
  require_quiet(*kernel, compute(inputs).state);
}

TEST_CASE("in place: `lookup local` is added at its new place before it leaves the old") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  KernelState desired;
  desired.local_rules[{Family::v4}] = {.priorities = {100}};
  Announcements rules(NETLINK_ROUTE, group_bit(RTNLGRP_IPV4_RULE));
  require_pass(*kernel, desired);
  CHECK(rules.heard() == Types{RTM_NEWRULE, RTM_DELRULE});
  require_pass(*kernel, {});
  CHECK(rules.heard() == Types{RTM_NEWRULE, RTM_DELRULE});
}

}  // namespace this_file
