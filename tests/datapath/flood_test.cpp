// Pods that send as fast as they can, from before they have a device, while the node's agent
// starts, dies or restarts: no packet is ever in the clear.
#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "tests/datapath/pod_socket.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

using Json = nlohmann::json;

constexpr const char* kRemotePod = "10.0.0.249";
constexpr const char* kNobody = "10.77.0.9";  // in the strict CIDR, and of no Node
constexpr const char* kStrict = "strict-cidr = 10.0.0.0/8\n";
constexpr uint16_t kPort = 7008;
constexpr std::string_view kPayload = "a pod's datagram that nobody else may read";

// A pod that sends to the remote pod and to kNobody from now on. It retries at once while sending
// fails; then it sends a burst, and after that a steady stream. At this rate the wires' captures
// lose nothing; a capture with losses would prove nothing.
class Flood {
 public:
  explicit Flood(const std::string& pod) : socket_(udp_socket_in(pod)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { send_until(stop); });
  }

  void burst() { left_of_burst_ = kBurst; }
  bool has_tried() const { return tried_ > 100; }
  uint64_t sent_to_nobody() const { return sent_to_nobody_; }

 private:
  static constexpr int kBurst = 2000;

  bool send(const sockaddr_in& to) {
    ++tried_;
    return sendto(socket_.get(), kPayload.data(), kPayload.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0;
  }

  void send_until(const std::stop_token& stop) {
    const sockaddr_in pod = udp_address(kRemotePod, kPort);
    const sockaddr_in nobody = udp_address(kNobody, kPort);
    while (!stop.stop_requested()) {
      if (send(pod)) --left_of_burst_;
      if (send(nobody)) ++sent_to_nobody_;
      if (left_of_burst_ <= 0) std::this_thread::sleep_for(2ms);
    }
  }

  FileDescriptor socket_;
  std::atomic<uint64_t> tried_ = 0;
  std::atomic<uint64_t> sent_to_nobody_ = 0;
  std::atomic<int> left_of_burst_ = kBurst;
  std::jthread thread_;  // last: it uses all of the above
};

// The datagrams that the remote pod received, by sender.
class Arrivals {
 public:
  explicit Arrivals(const std::string& pod) : socket_(udp_socket_in(pod)) {
    const sockaddr_in own = udp_address(kRemotePod, kPort);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
      throw LabError("bind in " + pod);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (!receive()) std::this_thread::sleep_for(5ms);
      }
    });
  }

  size_t from(const std::string& address) {
    const std::lock_guard lock(mutex_);
    return counts_[address];
  }

  // Waits for this many more; false if they do not arrive.
  bool go_on(const std::string& address, size_t datagrams = 100) {
    const size_t before = from(address);
    return wait_until([&] { return from(address) >= before + datagrams; }, 20s);
  }

 private:
  bool receive() {
    char text[256];
    sockaddr_in sender{};
    socklen_t size = sizeof sender;
    const ssize_t n =
        recvfrom(socket_.get(), text, sizeof text, 0, reinterpret_cast<sockaddr*>(&sender), &size);
    if (n < 0 || std::string_view(text, static_cast<size_t>(n)) != kPayload) return false;
    const std::lock_guard lock(mutex_);
    ++counts_[text_of(sender)];
    return true;
  }

  FileDescriptor socket_;
  std::mutex mutex_;
  std::map<std::string, size_t> counts_;
  std::jthread thread_;
};

struct Pod {
  CniPod sandbox;
  std::string address;
  Flood flood;

  explicit Pod(const std::string& name)
      : sandbox{.id = "sandbox-of-" + name, .netns = make_netns(name)}, flood(name) {}
};

// Two nodes; the remote pod is on worker2. worker's runtime has the plugin from before, as after a
// reboot: it asks for pods before the agent runs.
struct Cluster {
  Lab lab{{.nodes = {seed_nodes()[0], seed_nodes()[1]}}};
  NodeAgent& agent = lab.agent("worker");
  CniRuntime runtime{"worker", program(""), configuration_list(agent)};
  std::unique_ptr<Arrivals> arrivals;
  std::list<Pod> pods;

  Cluster() {
    lab.agent("worker2").start(kStrict);
    REQUIRE(lab.agent("worker2").wait_ready());
    lab.add_pod("worker2", "cni-fcnh6", kRemotePod);
    arrivals = std::make_unique<Arrivals>("cni-fcnh6");
  }

  static Json configuration_list(const NodeAgent& agent) {
    return {{"cniVersion", "1.0.0"},
            {"name", "pellicle"},
            {"plugins",
             {{{"type", "pellicle-cni"}, {"socket", agent.socket()}, {"addWaitSeconds", 0}}}}};
  }

  // A namespace with a sender in it that fails because it has no device.
  Pod& flooding_sandbox(const std::string& name) {
    Pod& pod = pods.emplace_back(name);
    REQUIRE(wait_until([&] { return pod.flood.has_tried(); }));
    return pod;
  }

  // Retries as a runtime does. Returns the number of attempts.
  int add(Pod& pod) {
    CniAnswer answer;
    int asked = 0;
    const bool added = wait_until(
        [&] {
          ++asked;
          answer = runtime.add(pod.sandbox);
          return answer.ok();
        },
        60s);
    CAPTURE(answer.text());
    REQUIRE(added);
    pod.address = answer.addresses().at(0);
    return asked;
  }

  void burst() {
    for (Pod& pod : pods) pod.flood.burst();
  }

  void check_pods_are_heard() {
    for (Pod& pod : pods) {
      CAPTURE(pod.sandbox.id, pod.address);
      CHECK(arrivals->go_on(pod.address));
    }
  }

  void check_nothing_in_the_clear() {
    const auto wire = lab.network().wire();
    const auto readable = packets_with(wire, kPayload);
    const auto cleartext = lab.cleartext();
    const std::string first = readable.empty() ? std::string() : readable.front().text();
    CAPTURE(first, readable.size());
    CHECK(readable.empty());
    CHECK(cleartext.empty());
    CHECK(std::none_of(wire.begin(), wire.end(), [](const Packet& packet) {
      return packet.dst == *IpAddress::parse(kNobody);
    }));
  }
};

}  // namespace

TEST_CASE("flood: a pod that sends before its node is programmed sends nothing in the clear") {
  Cluster cluster;
  for (const std::string name : {"first", "second", "third"}) {
    CAPTURE(name);
    REQUIRE_FALSE(sh_in("worker", "ip link show cilium_host").ok());
    Pod& pod = cluster.flooding_sandbox(name);
    CHECK_FALSE(cluster.runtime.add(pod.sandbox).ok());  // no agent runs
    cluster.agent.start(kStrict);
    CHECK(cluster.add(pod) > 1);
    cluster.check_pods_are_heard();
    CHECK(pod.flood.sent_to_nobody() > 0);

    CHECK(cluster.runtime.remove(pod.sandbox).ok());
    cluster.pods.clear();
    remove_netns(name);
    cluster.agent.stop();
    const Result cleanup = cluster.agent.cleanup();
    CAPTURE(cleanup.output);
    REQUIRE(cleanup.ok());
  }
  cluster.check_nothing_in_the_clear();
}

TEST_CASE("flood: pods that send while the agent dies and others join send nothing in the clear") {
  Cluster cluster;
  cluster.agent.start(kStrict);
  cluster.add(cluster.flooding_sandbox("pod"));
  for (const std::string name : {"other", "third", "fourth"}) {
    CAPTURE(name);
    cluster.check_pods_are_heard();
    cluster.burst();
    cluster.agent.kill();
    cluster.check_pods_are_heard();
    Pod& joins = cluster.flooding_sandbox(name);
    cluster.burst();
    cluster.agent.start(kStrict);
    cluster.add(joins);
    REQUIRE(cluster.agent.wait_ready());
    cluster.check_pods_are_heard();
  }
  for (const Pod& pod : cluster.pods) CHECK(pod.flood.sent_to_nobody() > 0);
  CHECK(cluster.agent.ask("status")["drops"]["blocked"]["packets"] > 0);
  cluster.check_nothing_in_the_clear();
}

}  // namespace this_file
