// Kernel notifications, received in the guest.
#include <poll.h>

#include "agent/kernel/monitor.h"
#include "agent/kernel/notifications.h"
#include "agent/reconcile/reconciler.h"
#include "tests/contract/linux_site.h"
#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;

namespace {

using Words = std::set<std::string>;

const std::function<bool(uint32_t)> kNobody = [](uint32_t) { return false; };

bool readable(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) == 1;
}

}  // namespace

TEST_CASE("notifications: each table's change by somebody else is heard") {
  const LinuxSite site;
  Notifications heard(kNobody);
  CHECK_FALSE(readable(heard.fd()));
  CHECK(heard.changes().empty());
  const auto after = [&](const std::string& command) {
    shell(command);
    CHECK(readable(heard.fd()));
    return heard.changes();
  };
  CHECK(after("ip link set eth0 mtu 1400").contains("link"));
  CHECK(after("ip link add lxc1 type dummy && ip link set lxc1 mtu 1400").contains(kPodLinkChange));
  CHECK(after("ip link del lxc1") == Words{kPodLinkChange});
  CHECK(after("ip addr add 10.9.9.9/32 dev eth0").contains("address"));
  CHECK(after("ip route add 10.77.0.0/16 dev eth0") == Words{"route"});
  CHECK(after("ip route add 10.78.0.0/16 dev eth0 proto bird") == Words{kDaemonRouteChange});
  CHECK(after("ip -6 route add fd00:78::/64 dev eth0 proto ra") == Words{kDaemonRouteChange});
  CHECK(after("ip rule add pref 77 fwmark 1 lookup 77") == Words{"rule"});
  CHECK(after("tc qdisc add dev eth0 clsact").contains("tc"));
  CHECK(after("sysctl -qw net.ipv4.conf.eth0.rp_filter=1") == Words{kSettingChange});
  CHECK(after("sysctl -qw net.ipv4.conf.eth0.forwarding=1 net.ipv4.conf.eth0.forwarding=0") ==
        Words{kSettingChange});
  CHECK(after("sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.forwarding=0")
            .contains(kSettingChange));
  CHECK(after("ip xfrm state add src 1.1.1.1 dst 2.2.2.2 proto esp spi 5 mode tunnel "
              "aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128") ==
        Words{"xfrm state"});
  CHECK(after("ip xfrm state flush") == Words{"xfrm state"});
  CHECK(after("ip xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out action block") ==
        Words{"xfrm policy"});
  CHECK(after("ip xfrm policy flush") == Words{"xfrm policy"});
  CHECK_FALSE(readable(heard.fd()));
}

TEST_CASE(
    "notifications: of settings only rp_filter and forwarding are announced, and ours is no news") {
  const LinuxSite site;
  shell("sysctl -qw net.ipv4.conf.eth0.rp_filter=1");
  Notifications heard(kNobody);
  shell("sysctl -qw net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.eth0.forwarding=1");
  CHECK(heard.changes().empty());
  for (const std::string name : {"accept_local", "src_valid_mark", "disable_xfrm"}) {
    shell("sysctl -qw net.ipv4.conf.eth0." + name + "=1");
    CHECK_FALSE(readable(heard.fd()));
  }
  shell("sysctl -qw net.ipv6.conf.eth0.accept_ra=0");
  CHECK_FALSE(readable(heard.fd()));
}

TEST_CASE("notifications: a pass of ours is silent but for links and what hangs on them") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  auto inputs = seed::worker();
  inputs.endpoints.clear();
  inputs.host = kernel->facts();
  auto desired = compute(inputs).state;
  REQUIRE(reconcile(*kernel, desired).refusals.empty());
  Notifications heard([&](uint32_t port) {
    const auto ports = kernel->ports();
    return std::find(ports.begin(), ports.end(), port) != ports.end();
  });
  inputs.nodes.erase("worker2");
  desired = compute(inputs).state;
  const auto pass = reconcile(*kernel, desired);
  REQUIRE(pass.plan.size() >= 4);
  CHECK(heard.changes().empty());
  shell("ip route flush table 200");
  CHECK(heard.changes() == Words{"route"});
}

TEST_CASE("notifications: more changes than fit are a change, and hearing goes on") {
  const LinuxSite site;
  Notifications heard(kNobody);
  shell(
      "seq 0 15999 | awk '{print \"route add 10.\" int($1/250) \".\" $1%250 \".0/24 dev eth0\"}'"
      " | ip -batch -");
  CHECK(heard.changes().contains("too much to follow"));
  CHECK(heard.changes().empty());
  shell("ip route del 10.0.0.0/24 dev eth0");
  CHECK(heard.changes() == Words{"route"});
}

TEST_CASE(
    "monitor: the loop is told once for what comes together, and again for what comes later") {
  const LinuxSite site;
  boost::asio::io_context context;
  int told = 0;
  const Monitor monitor(
      context, [] { return std::vector<uint32_t>{}; }, [&](const Changes&) { ++told; });
  const auto run = [&] {
    context.restart();
    context.run_for(std::chrono::milliseconds(200));
  };
  run();
  CHECK(told == 0);
  shell("ip route add 10.77.0.0/16 dev eth0 && ip route add 10.78.0.0/16 dev eth0");
  run();
  CHECK(told == 1);
  shell("ip route del 10.77.0.0/16");
  run();
  CHECK(told == 2);
}

}  // namespace this_file
