// An upgrade from the last version's build of the agent, node by node under traffic, while a pod, a
// host on the wire and a compromised node send spoofed packets. Once a kind is dropped, it is
// dropped for good: from the start where the last version drops it. README.md of tests/harness/lab
// describes how to select that build.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <regex>
#include <set>
#include <thread>

#include "tests/datapath/names.h"
#include "tests/harness/lab/traffic.h"
#include "tests/harness/skipped.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

const std::vector<std::string> kNodes{"worker", "worker2", "control-plane"};
const std::string kHostEncryption =
    "ipv4-native-routing-cidr = \"10.0.0.0/8\"\nhost-encryption = true\n";

// Sends one kind of packet, numbered, until end().
class Spoofer {
 public:
  Spoofer(std::string kind, std::string pod, std::string reason,
          std::function<void(const std::string&)> send)
      : kind_(std::move(kind)),
        pod_(std::move(pod)),
        reason_(std::move(reason)),
        thread_([this, send = std::move(send)] {
          while (!ended_) {
            send("forged " + kind_ + " " + std::to_string(sent_ + 1) + ";");
            ++sent_;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
          }
        }) {}
  ~Spoofer() { end(); }
  Spoofer(const Spoofer&) = delete;
  Spoofer& operator=(const Spoofer&) = delete;

  const std::string& kind() const { return kind_; }
  const std::string& pod() const { return pod_; }        // their destination
  const std::string& reason() const { return reason_; }  // of worker's drops
  size_t sent() const { return sent_; }
  void end() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::string kind_;
  std::string pod_;
  std::string reason_;
  std::atomic<size_t> sent_ = 0;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

std::set<size_t> numbers_that_came(Capture& capture, const std::string& kind) {
  const std::regex number("forged " + kind + " ([0-9]+);");
  std::set<size_t> numbers;
  for (const auto& packet : packets_with(capture.packets(), "forged " + kind)) {
    std::smatch match;
    if (packet.protocol == IPPROTO_UDP && std::regex_search(packet.frame, match, number))
      numbers.insert(std::stoul(match[1]));
  }
  return numbers;
}

class Upgrade {
 public:
  explicit Upgrade(const std::string& last)
      : lab({.nodes = dual_stack_nodes(), .agent_config = kHostEncryption}) {
    for (const auto& node : kNodes) lab.agent(node).start(kHostEncryption, last);
    for (const auto& node : kNodes) REQUIRE(lab.agent(node).wait_ready());
    for (const SeedPod& pod : kSeedPods) {
      lab.add_pod(pod.node, pod.name, std::vector<std::string>{pod.address, pod.ipv6});
      captures_[pod.name] = &lab.capture(pod.name, "eth0", "udp");
    }
    for (const auto& [from, to] : {std::pair{"net", "10.0.0.249"},
                                   {"cni-fcnh6", "10.0.2.77"},
                                   {"cni-cp", "10.0.1.52"},
                                   {"net", "10.0.1.103"},
                                   {"net", "fd00:10::f9"},
                                   {"net", "172.18.0.4"},
                                   {"worker2", "10.0.1.52"}}) {
      REQUIRE(wait_until([&] { return lab.ping(from, to).ok(); }));
      streams_.emplace_back(from, to, 0.05);
    }
    start_spoofers();
  }

  void start_again(const std::string& node) {
    lab.agent(node).start(kHostEncryption);
    REQUIRE(lab.agent(node).wait_ready());
    goes_on(node);
  }
  void goes_on(const std::string& node) {
    CAPTURE(node);
    for (PingStream& stream : streams_) CHECK(stream.goes_on());
  }
  // Is each kind dropped? No packet of the last second has arrived.
  bool all_are_dropped() {
    std::map<std::string, size_t> before;
    for (const auto& spoofer : spoofers_) before[spoofer->kind()] = spoofer->sent();
    std::this_thread::sleep_for(1s);
    return std::all_of(spoofers_.begin(), spoofers_.end(), [&](const auto& spoofer) {
      const auto came = numbers_that_came(*captures_.at(spoofer->pod()), spoofer->kind());
      return came.empty() || *came.rbegin() <= before[spoofer->kind()];
    });
  }

  void check_end() {
    for (PingStream& stream : streams_) CHECK(stream.end() == "");
    for (const auto& spoofer : spoofers_) {
      spoofer->end();
      const auto came = numbers_that_came(*captures_.at(spoofer->pod()), spoofer->kind());
      CAPTURE(spoofer->kind(), spoofer->sent());
      const size_t last = came.empty() ? 0 : *came.rbegin();
      UNSCOPED_INFO("came: " << came.size() << ", the last is number " << last);
      CHECK(last < spoofer->sent());
      CHECK(came.size() == last);  // from the first on without a gap: none passed later
      const auto drops = lab.agent("worker").ask("status")["drops"][spoofer->reason()]["packets"];
      CHECK(drops.get<size_t>() > 0);
      std::printf("%s: %zu of %zu came, until number %zu; %zu dropped since the maps are these\n",
                  spoofer->kind().c_str(), came.size(), spoofer->sent(), last, drops.get<size_t>());
    }
    CHECK(lab.files_with_the_key().empty());
  }

  Lab lab;

 private:
  void start_spoofers() {
    const auto spoof = [&](const char* kind, const char* pod, const char* reason, auto send) {
      spoofers_.push_back(std::make_unique<Spoofer>(kind, pod, reason, std::move(send)));
    };
    auto pod = std::make_shared<RawPod>(lab, "net");
    spoof("by a pod", "cni-fcnh6", "forged", [pod](const std::string& text) {
      pod->send(with_text("10.0.1.103", "10.0.0.249", text));
    });
    auto wire = std::make_shared<RawDevice>("", "kind");
    const auto to = mac_bytes(docker_mac(lab.network().node("worker").address));
    spoof("on the wire", "net", "clear_text", [wire, to](const std::string& text) {
      auto packet = with_text("10.0.0.249", "10.0.1.52", text);
      packet.to = to;
      wire->send(frame(packet));
    });
    spoof("by a node", "net", "forged_node", [](const std::string& text) {
      send_from_node("worker2", with_text("10.0.2.77", "10.0.1.52", text));
    });
  }
  std::map<std::string, Capture*> captures_;
  std::list<PingStream> streams_;
  std::list<std::unique_ptr<Spoofer>> spoofers_;
};

}  // namespace

TEST_CASE("an upgrade from the last version loses no packet, and drops forged ones for good") {
  const char* last = std::getenv("PELLICLE_LAST_AGENT");
  if (last == nullptr) {
    skipped("PELLICLE_LAST_AGENT does not name the last version's agent");
    return;
  }
  Upgrade upgrade(last);
  for (const auto& node : kNodes) {
    upgrade.lab.agent(node).stop();
    upgrade.start_again(node);
  }
  REQUIRE(wait_until([&] { return upgrade.all_are_dropped(); }, 60s));
  // From here on all are dropped, whatever happens to the agents.
  for (const auto& node : kNodes) {
    upgrade.lab.agent(node).stop();
    upgrade.goes_on(node);
    upgrade.start_again(node);
    upgrade.lab.agent(node).kill();
    upgrade.start_again(node);
  }
  upgrade.check_end();
}

}  // namespace this_file
