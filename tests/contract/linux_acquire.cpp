// The larval state that the kernel adds for a missing state while a key daemon listens, and how the
// agent replaces it.
#include <arpa/inet.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "agent/kernel/xfrm_state_codec.h"
#include "tests/contract/linux_announcements.h"
#include "tests/contract/linux_worker.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;
using seed::ip;

namespace {

constexpr const char* kPeer = "10.0.0.40";

// One packet to a pod of worker2, marked as the eBPF programs mark it.
void send_marked() {
  const FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM, 0));
  const uint32_t mark = encrypt_mark(3).value;
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = inet_addr("10.0.1.138");
  REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  address.sin_addr.s_addr = inet_addr("10.0.0.9");
  address.sin_port = htons(9);
  sendto(socket.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

std::string states_to_peer() {
  return shell("ip xfrm state list dst " + std::string(kPeer));
}

}  // namespace

TEST_CASE("a state that was flushed under traffic comes back at once, key daemon or not") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  // charon listens like this. Without a listener the kernel sends no acquire.
  Announcements key_daemon(NETLINK_XFRM, group_bit(XFRMNLGRP_ACQUIRE));
  shell("ip xfrm state flush");
  send_marked();
  REQUIRE(key_daemon.heard() == Types{XFRM_MSG_ACQUIRE});
  REQUIRE_THAT(states_to_peer(), Contains("spi 0x00000003") && !Contains("aead"));

  require_pass(*kernel, desired);
  require_quiet(*kernel, desired);
  CHECK_THAT(states_to_peer(), Contains("aead"));
  send_marked();
  CHECK(key_daemon.heard().empty());
}

TEST_CASE("a replacement that a packet gets in between takes its place all the same") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = worker_state(*kernel);
  require_pass(*kernel, desired);
  const Announcements key_daemon(NETLINK_XFRM, group_bit(XFRMNLGRP_ACQUIRE));
  auto inputs = worker_inputs(*kernel);
  inputs.key->algorithm = seed::gcm(70);
  const auto other_key = compute(inputs).state;
  const auto changes = plan(other_key, kernel->dump());
  shell("ip xfrm state flush");
  send_marked();
  for (const auto& refusal : kernel->apply(changes)) FAIL(refusal.sentence);
  require_quiet(*kernel, other_key);
}

TEST_CASE("what the kernel put in a state's place does not keep a cleanup from ending") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  require_pass(*kernel, worker_state(*kernel));
  const Announcements key_daemon(NETLINK_XFRM, group_bit(XFRMNLGRP_ACQUIRE));
  const auto removals = plan({}, kernel->dump());
  shell("ip xfrm state flush");
  send_marked();
  for (const auto& refusal : kernel->apply(removals)) FAIL(refusal.sentence);
  require_quiet(*kernel, {});
}

}  // namespace this_file
