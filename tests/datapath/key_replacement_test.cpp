// The operator replaces the key before any node's sequence numbers run out.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/xfrm.h>
#include <sched.h>

#include <thread>

#include "agent/kernel/file_descriptor.h"
#include "agent/kernel/netlink_message.h"
#include "agent/kernel/netlink_socket.h"
#include "agent/model/objects.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr uint32_t kMoreThanHalf = 0x90000000;  // of 2^32
const std::vector<std::string> kNodes{"worker", "worker2", "control-plane"};

// Sets a state's send counter in a node's kernel, as if it had sent that many packets. A key daemon
// does this after a failover (XFRM_MSG_NEWAE).
void set_sent(const std::string& node, const std::string& dst, uint32_t spi, Mark mark,
              uint32_t sent) {
  std::string error;
  std::thread([&] {
    const FileDescriptor netns(open(("/run/netns/" + node).c_str(), O_RDONLY | O_CLOEXEC));
    if (setns(netns.get(), CLONE_NEWNET) != 0) {
      error = "setns";
      return;
    }
    xfrm_aevent_id id{};
    id.sa_id.daddr.a4 = inet_addr(dst.c_str());
    id.sa_id.spi = htonl(spi);
    id.sa_id.family = AF_INET;
    id.sa_id.proto = IPPROTO_ESP;
    NetlinkMessage message(XFRM_MSG_NEWAE, NLM_F_REPLACE | NLM_F_ACK);
    message.header(id);
    message.put(XFRMA_MARK, xfrm_mark{.v = mark.value, .m = mark.mask});
    message.put(XFRMA_REPLAY_VAL, xfrm_replay_state{.oseq = sent, .seq = 0, .bitmap = 0});
    const Outcome outcome = NetlinkSocket(NETLINK_XFRM).request(std::move(message));
    if (!outcome.ok()) error = outcome.sentence;
  }).join();
  if (!error.empty()) throw LabError("set what " + node + " has sent: " + error);
}

bool has_key(Lab& lab, const std::string& node, int id) {
  const auto object = lab.api().get(api::node_key(node)).value();
  return object["metadata"]["annotations"].value("network.cilium.io/encryption-key", "") ==
         std::to_string(id);
}

std::string published_use(Lab& lab, const std::string& node) {
  const auto object = lab.api().get(api::node_key(node)).value();
  return object["metadata"]["annotations"].value("pellicle.io/sequence-used", "");
}

}  // namespace

TEST_CASE("a key whose sequence numbers run out is replaced by the operator, and nothing is lost") {
  Lab lab({.key_line = api::kSeedKeyLine,
           .agent_config = "key-rotation-duration = 2\nresync-seconds = 3\n"});
  lab.start_agents();
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  REQUIRE(lab.ping("net", "10.0.0.249").ok());
  Process keeper({program("pellicle-operator"), "--kubeconfig", "/run/lab/worker/kubeconfig",
                  "--rotate-at-sequence", "50", "--rotate-look-period", "0.5", "--health-address",
                  "127.0.0.1:0"},
                 "/run/lab/operator.log", "worker");
  // Sending them would take half an hour.
  PingStream pings("net", "10.0.0.249");
  CHECK(pings.goes_on(2));
  CHECK(published_use(lab, "worker").empty());
  set_sent("worker", "10.0.0.40", 3, {0x3e00, 0xff00}, kMoreThanHalf);
  for (const std::string& node : kNodes) {
    const bool replaced = wait_until([&] { return has_key(lab, node, 4); }, 90s);
    INFO(node << "; the operator said:\n" << keeper.output());
    CHECK(replaced);
  }
  CHECK(keeper.output().find("worker has used 50 percent of the sequence numbers") !=
        std::string::npos);
  // The counter published for the next key starts again.
  CHECK(wait_until([&] { return published_use(lab, "worker") == "4/0"; }, 60s));
  CHECK(pings.end() == "");
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
