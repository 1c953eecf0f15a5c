#include "tests/contract/linux_world.h"

#include <linux/netlink.h>
#include <net/if.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/reconcile/reconciler.h"
#include "tests/harness/catch.h"
#include "tests/harness/netfilter_tables.h"

namespace pellicle::contract {

namespace {

// Commands that damage the agent's objects without its knowledge.
constexpr std::array kDamage = {
    "ip route flush table 200",
    "ip xfrm state flush",
    "ip xfrm policy flush",
    "ip xfrm policy deleteall dir out",
    "ip rule del pref 1",
    "ip rule del pref 100",
    "ip rule add pref 0 lookup local",
    "ip link del cilium_host",
    "ip link set cilium_net down",
    "ip link set cilium_host mtu 1300",
    "ip link set cilium_net mtu 1300 && ip link set cilium_net arp on",
    "ip addr flush dev cilium_host",
    "ip addr add 10.99.0.9/32 dev cilium_host",
    "ip route add 10.55.0.0/16 dev cilium_host",
    "ip route flush dev cilium_host",
    "tc qdisc del dev eth0 clsact",
    "tc qdisc del dev cilium_net clsact",
    "tc filter del dev cilium_host egress",
    "rm -f /sys/fs/bpf/pellicle-test-*/*",
    "iptables-legacy -t raw -F PELLICLE_PREROUTING",
    "iptables-legacy -t raw -F",
    "iptables-legacy -t filter -D FORWARD -j PELLICLE_FORWARD",
    "sysctl -qw net.ipv4.conf.eth0.rp_filter=2",
    "sysctl -qw net.ipv4.conf.all.rp_filter=1",
    "ip link set eth0 down && ip link set eth0 up",
};

// Like `ip link add` and `ip link del`, without starting a process.
void make_pod(const Endpoint& endpoint) {
  NetlinkSocket socket(NETLINK_ROUTE);
  REQUIRE(
      socket.request(encode_new_veth({endpoint.device}, {.peer = "pod" + endpoint.id, .mtu = 1500}))
          .ok());
}

void remove_pod(const Endpoint& endpoint) {
  NetlinkSocket socket(NETLINK_ROUTE);
  const auto index = if_nametoindex(endpoint.device.c_str());
  REQUIRE(socket.request(encode_delete_link(static_cast<int>(index))).ok());
}

}  // namespace

LinuxWorld::LinuxWorld(Netfilter netfilter) {
  tools_.link("iptables", "/usr/sbin/xtables-legacy-multi");
  inputs_.settings.netfilter = netfilter == Netfilter::on && !lacks_netfilter_tables();
}

void LinuxWorld::happen(const Event& event) {
  if (const auto* pod = std::get_if<PodEvent>(&event)) {
    for (const auto& known : inputs_.endpoints) {
      if (known.id == pod->id) remove_pod(known);
    }
    if (pod->endpoint) make_pod(*pod->endpoint);
  }
  hear(inputs_, event);
}

void LinuxWorld::happen(const std::vector<Event>& events) {
  for (const auto& event : events) happen(event);
}

KernelState LinuxWorld::desired() {
  inputs_.host = kernel_->facts();
  return compute(inputs_).state;
}

std::vector<Refusal> LinuxWorld::pass() {
  const auto done = reconcile(*kernel_, desired());
  remember_router(inputs_);
  return done.refusals;
}

void LinuxWorld::settle() {
  for (int i = 0; i < 4; ++i) {
    pass();
    if (plan(desired(), kernel_->dump()).empty()) return;
  }
}

void LinuxWorld::restart() {
  kernel_.reset();
  kernel_ = site_.start_agent();
}

KernelState LinuxWorld::from_nothing() const {
  LinuxWorld fresh;
  fresh.inputs_ = inputs_;
  for (const auto& endpoint : inputs_.endpoints) make_pod(endpoint);
  const auto refusals = fresh.pass();
  REQUIRE(refusals.empty());
  return fresh.kernel_->dump();
}

std::vector<std::string> LinuxWorld::damage(Random& random) const {
  std::vector<std::string> done;
  for (int i = 0; i < 3; ++i) {
    const std::string command = kDamage[random.below(kDamage.size())];
    done.push_back(command + (shell_status(command) == 0 ? "" : " (in vain)"));
  }
  return done;
}

void LinuxWorld::scramble(Random& random) const {
  const auto other = site_.start_agent();
  const auto actual = other->dump();
  auto nonsense = actual;
  pellicle::scramble(random, nonsense);
  other->apply(plan(nonsense, actual));  // the kernel refuses what it cannot hold
}

}  // namespace pellicle::contract
