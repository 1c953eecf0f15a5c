// System calls that fail before or after they reach the kernel. Whichever call fails, and however
// often: the next pass without failures repairs everything, objects of other programs stay, and no
// descriptor leaks.
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agent/kernel/notifications.h"
#include "tests/contract/linux_worker.h"
#include "tests/contract/linux_world.h"
#include "tests/harness/faulty_calls/faulty_calls.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::contract;
using Catch::Matchers::Contains;

namespace {

size_t open_descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(open), end(open)));
}

// A foreign object beside each kind of object that goes over netlink.
void plant_others() {
  shell(
      "ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 3 reqid 1 mode tunnel "
      "aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 && "
      "ip xfrm policy add src 192.0.2.0/24 dst 198.51.100.0/24 dir out "
      "tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel && "
      "ip route add 203.0.113.0/24 dev eth0 table 200 && ip rule add pref 2 fwmark 0xd00/0xf00 "
      "lookup 200");
}

void require_sentence(const std::string& text) {
  INFO(text);
  REQUIRE_FALSE(text.empty());
  REQUIRE(text.find('\n') == std::string::npos);
  const bool named = text.find(": ") != std::string::npos;  // operation and outcome
  REQUIRE(named);
}

// One pass as the agent makes it. Returns one sentence per failure.
std::vector<std::string> pass(Kernel& kernel, const KernelState& desired) {
  std::vector<std::string> wrong;
  try {
    for (const auto& refusal : reconcile(kernel, desired).refusals) {
      wrong.push_back(describe(refusal.operation) + ": " + refusal.sentence);
    }
  } catch (const KernelError& error) {
    wrong.push_back(error.what());
  }
  for (const auto& sentence : wrong) require_sentence(sentence);
  return wrong;
}

KernelState without_netfilter(Kernel& kernel) {
  auto inputs = worker_inputs(kernel);
  inputs.settings.netfilter = false;  // netfilter's tools are separate processes
  return compute(inputs).state;
}

// Applies `desired`, then the empty state, each with failing calls first and without them next.
// Returns the number of failed calls.
size_t live_through(Kernel& kernel, const KernelState& desired, FaultyCall call, int error,
                    unsigned every) {
  INFO("every " << every << ": " << std::strerror(error));
  size_t failed = 0;
  for (const auto& state : {desired, KernelState{}}) {
    {
      const FaultyCalls faulty(call, error, every);
      size_t said = 0;
      for (int i = 0; i < 3; ++i) said += pass(kernel, state).size();
      failed += faulty.failed();
      if (every == 1 && faulty.failed() > 0) REQUIRE(said > 0);
    }
    require_pass(kernel, state);
    require_quiet(kernel, state);
  }
  return failed;
}

// EINTR is retried at once, so not every call may fail with it.
void live_through_all(FaultyCall call, std::initializer_list<int> errors) {
  const LinuxSite site;
  plant_others();
  const auto planted = site.listing();
  const auto kernel = site.start_agent();
  const auto desired = without_netfilter(*kernel);
  live_through(*kernel, desired, FaultyCall::none, 0, 1);  // opens what is opened only once
  const size_t open = open_descriptors();
  for (const int error : errors) {
    size_t failed = 0;
    for (const unsigned every : {error == EINTR ? 2U : 1U, 3U, 7U}) {
      failed += live_through(*kernel, desired, call, error, every);
      CHECK(open_descriptors() == open);
    }
    CHECK(failed > 10);
    CHECK(site.listing() == planted);
  }
}

}  // namespace

TEST_CASE("faulty calls: netlink requests that are not taken are made good by the next pass") {
  live_through_all(FaultyCall::send, {ENOBUFS, EAGAIN, EINTR, ENOMEM});
}

TEST_CASE("faulty calls: netlink answers that are lost or late are made good by the next pass") {
  live_through_all(FaultyCall::receive, {ENOBUFS, EAGAIN, EINTR, ENOMEM});
}

TEST_CASE("faulty calls: bpf calls that fail are made good by the next pass") {
  live_through_all(FaultyCall::bpf, {EAGAIN, ENOMEM, EPERM});
}

// Seen with Linux 7.2 in User-Mode Linux. Reported for 6.18 on Graviton5.
TEST_CASE("faulty calls: a map that is out of entries for a moment is written all the same") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = without_netfilter(*kernel);
  {
    const FaultyCalls faulty(FaultyCall::store_peer, ENOMEM, 2);
    require_pass(*kernel, desired);
    CHECK(faulty.failed() > 2);
  }
  require_quiet(*kernel, desired);
}

TEST_CASE(
    "faulty calls: a dump that is interrupted now and then is repeated, one that always is said") {
  const LinuxSite site;
  const auto kernel = site.start_agent();
  const auto desired = without_netfilter(*kernel);
  {
    const FaultyCalls faulty(FaultyCall::interrupt, 0, 3);
    require_pass(*kernel, desired);
    require_quiet(*kernel, desired);
    CHECK(faulty.failed() > 2);
  }
  {
    const FaultyCalls faulty(FaultyCall::interrupt, 0, 1);
    CHECK_THROWS_WITH(kernel->dump(),
                      "read the kernel's state: read a netlink dump: the table changes faster "
                      "than it can be read");
    CHECK(faulty.failed() >= 10);
  }
  require_quiet(*kernel, desired);
}

TEST_CASE("faulty calls: a notification that cannot be read is a change like any other") {
  const LinuxSite site;
  Notifications heard([](uint32_t) { return false; });
  for (const int error : {ENOBUFS, EINTR}) {
    INFO(std::strerror(error));
    shell("ip route add 10.77.0.0/16 dev eth0");
    const FaultyCalls faulty(FaultyCall::receive, error, 2);
    CHECK_FALSE(heard.changes().empty());
    shell("ip route del 10.77.0.0/16 dev eth0");
    CHECK_FALSE(heard.changes().empty());
    CHECK(faulty.failed() > 0);
  }
}

}  // namespace this_file
