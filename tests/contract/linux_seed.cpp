// The seed's listings, character for character, on the seed's worker.
#include <cstring>

#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;

namespace {

// Strips the trailing blanks that `ip` prints, and the policy type that it prints where the kernel
// has two of them.
std::string text_of(const std::string& command) {
  return shell(command + " | sed 's/ ptype main//; s/ *$//'");
}

constexpr const char* kOut = R"(src 10.0.1.138 dst ROUTER
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0
	mark 0x3e00/0xff00 output-mark 0xe00/0xf00
	aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 0.0.0.0/0 dst 0.0.0.0/0
)";

constexpr const char* kIn = R"(src 0.0.0.0 dst 10.0.1.138
	proto esp spi 0x00000003 reqid 1 mode tunnel
	replay-window 0
	mark 0xd00/0xf00 output-mark 0xd00/0xf00
	aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128
	anti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
	sel src 0.0.0.0/0 dst 0.0.0.0/0
)";

std::string out(const std::string& router) {
  std::string text = kOut;
  return text.replace(text.find("ROUTER"), 6, router);
}

}  // namespace

TEST_CASE("the seed's rules, routes, states and policies are what ip shows") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));

  CHECK(text_of("ip rule") ==
        "1:\tfrom all fwmark 0xd00/0xf00 lookup 200\n"
        "1:\tfrom all fwmark 0xe00/0xf00 lookup 200\n"
        "2:\tfrom 10.0.1.138 ipproto esp lookup main\n"
        "3:\tfrom 10.0.1.0/24 lookup 214\n"
        "100:\tfrom all lookup local\n"
        "101:\tfrom all iif lo ipproto icmp lookup 214\n"
        "32766:\tfrom all lookup main\n"
        "32767:\tfrom all lookup default\n");
  CHECK(text_of("ip route show table main") ==
        "10.0.0.0/24 via 172.18.0.4 dev eth0\n"
        "10.0.1.0/24 via 10.0.1.138 dev cilium_host src 10.0.1.138\n"
        "10.0.1.138 dev cilium_host scope link\n"
        "10.0.2.0/24 via 172.18.0.2 dev eth0\n"
        "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.3\n");
  CHECK(text_of("ip route show table 200") ==
        "10.0.0.0/24 dev cilium_host mtu 1500\n"
        "local 10.0.1.0/24 dev eth0 proto 50 scope host\n"
        "10.0.2.0/24 dev cilium_host mtu 1500\n");

  const auto states = text_of("ip xfrm state");
  CHECK(states.find(out("10.0.0.40")) != std::string::npos);
  CHECK(states.find(out("10.0.2.52")) != std::string::npos);
  CHECK(states.find(kIn) != std::string::npos);
  CHECK(states.size() == out("10.0.0.40").size() + out("10.0.2.52").size() + strlen(kIn));
}

TEST_CASE("the seed's policies, the block policy and those for the node itself are what ip shows") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));
  auto policies = text_of("ip xfrm policy");
  for (const char* policy : {
           "src 10.0.1.0/24 dst 10.0.0.0/24\n\tdir out priority 0\n\tmark 0x3e00/0xff00\n"
           "\ttmpl src 10.0.1.138 dst 10.0.0.40\n"
           "\t\tproto esp spi 0x00000003 reqid 1 mode tunnel\n",
           "src 10.0.1.0/24 dst 10.0.2.0/24\n\tdir out priority 0\n\tmark 0x3e00/0xff00\n"
           "\ttmpl src 10.0.1.138 dst 10.0.2.52\n"
           "\t\tproto esp spi 0x00000003 reqid 1 mode tunnel\n",
           "src 0.0.0.0/0 dst 10.0.1.0/24\n\tdir in priority 0\n\tmark 0xd00/0xf00\n"
           "\ttmpl src 0.0.0.0 dst 10.0.1.138\n\t\tproto esp reqid 1 mode tunnel\n",
           "src 0.0.0.0/0 dst 10.0.1.0/24\n\tdir in priority 0\n\tmark 0x200/0xf00\n"
           "\ttmpl src 0.0.0.0 dst 10.0.1.138\n\t\tproto esp reqid 1 mode tunnel\n"
           "\t\tlevel use\n",
           "src 0.0.0.0/0 dst 10.0.1.0/24\n\tdir fwd priority 2975\n\tmark 0/0xf00\n"
           "\ttmpl src 0.0.0.0 dst 10.0.1.138\n\t\tproto esp reqid 1 mode tunnel\n"
           "\t\tlevel use\n",
           "src 0.0.0.0/0 dst 172.18.0.3/32\n\tdir in priority 0\n\tmark 0x200/0xf00\n"
           "\ttmpl src 0.0.0.0 dst 10.0.1.138\n\t\tproto esp reqid 1 mode tunnel\n"
           "\t\tlevel use\n",
           "src 0.0.0.0/0 dst 172.18.0.3/32\n\tdir fwd priority 0\n\tmark 0x200/0xb00\n"
           "\ttmpl src 0.0.0.0 dst 10.0.1.138\n\t\tproto esp reqid 1 mode tunnel\n"
           "\t\tlevel use\n",
           "src 0.0.0.0/0 dst 0.0.0.0/0\n\tdir out action block priority 100\n"
           "\tmark 0xe00/0xf00\n",
           "src ::/0 dst ::/0\n\tdir out action block priority 100\n\tmark 0xe00/0xf00\n",
       }) {
    INFO(policies << "\nlacks\n" << policy);
    const auto found = policies.find(policy);
    REQUIRE(found != std::string::npos);
    policies.erase(found, strlen(policy));
  }
  CHECK(policies.empty());
}

TEST_CASE("the seed's devices and address are what ip shows") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));
  const auto host = text_of("ip -o link show cilium_host");
  CHECK(host.find("cilium_host@cilium_net: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500") !=
        std::string::npos);
  const auto net = text_of("ip -o link show cilium_net");
  CHECK(net.find("cilium_net@cilium_host: <BROADCAST,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500") !=
        std::string::npos);
  CHECK(
      text_of("ip -4 -o addr show cilium_host").find("inet 10.0.1.138/32 scope link cilium_host") !=
      std::string::npos);
  CHECK(text_of("ip -4 -o addr show cilium_net").empty());
}

}  // namespace this_file
