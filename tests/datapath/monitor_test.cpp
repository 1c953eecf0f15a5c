// `pellicle monitor` on nodes with pod traffic.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "agent/kernel/bpf_maps.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;
using Json = nlohmann::json;

namespace {

// One listener on a node. It listens once the constructor returns.
class Monitor {
 public:
  Monitor(Lab& lab, const std::string& node, const std::vector<std::string>& more = {})
      : log_(lab.log_dir() + "/monitor-" + node + "-" + std::to_string(++number_) + ".log"),
        process_(command(lab, node, more), log_, node) {
    if (!wait_until([&] { return text().find("listening") != std::string::npos; }))
      throw LabError("pellicle monitor on " + node + ": " + text());
  }

  static std::vector<std::string> command(Lab& lab, const std::string& node,
                                          const std::vector<std::string>& more = {},
                                          const std::string& output = "json") {
    const auto& agent = lab.agent(node);
    std::vector<std::string> words{program("pellicle"), "--socket",   agent.socket(),  "-o", output,
                                   "monitor",           "--bpf-root", agent.bpf_root()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::string text() const { return file_text(log_); }

  std::vector<Json> events() const {
    std::vector<Json> all;
    std::istringstream lines(text());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('{')) all.push_back(Json::parse(line));
    }
    return all;
  }

  // "marked encrypted", once there are `count` events.
  std::string kinds(size_t count) const {
    wait_until([&] { return events().size() >= count; });
    std::string words;
    for (const auto& event : events())
      words += (words.empty() ? "" : " ") + event["type"].get<std::string>();
    return words;
  }

  Process& process() { return process_; }

 private:
  static inline int number_ = 0;
  std::string log_;
  Process process_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += shell_word(word) + " ";
  return text;
}

// A pod on each of three nodes.
struct Cluster {
  Lab lab{{.nodes = dual_stack_nodes()}};
  Cluster() {
    lab.start_agents();
    for (const SeedPod& pod : kSeedPods)
      if (std::string(pod.name) != "cni-s22px")
        lab.add_pod(pod.node, pod.name, std::vector<std::string>{pod.address, pod.ipv6});
    for (const char* address : {"10.0.0.249", "fd00:10::f9", "10.0.2.77"})
      REQUIRE(lab.ping("net", address).ok());
  }
  // The device of the node's only pod.
  std::string device_on(const std::string& node) {
    return lab.agent(node).ask("pod-list").at(0)["device"];
  }
};

// Bytes that the datapath has ever written for a node's listeners.
uint64_t written(const NodeAgent& agent) {
  const auto map = pinned_map(agent.bpf_root(), MAP_EVENTS);
  REQUIRE(map);
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // The first word of the second page is the producer's position.
  void* mapped =
      mmap(nullptr, page, PROT_READ, MAP_SHARED, map->fd.get(), static_cast<off_t>(page));
  REQUIRE(mapped != MAP_FAILED);
  const uint64_t position = *static_cast<volatile uint64_t*>(mapped);
  munmap(mapped, page);
  return position;
}

datapath::listener listener(const NodeAgent& agent) {
  const auto map = pinned_map(agent.bpf_root(), MAP_LISTENER);
  REQUIRE(map);
  const uint32_t only = 0;
  datapath::listener found{};
  REQUIRE(lookup_bytes(map->fd.get(), &only, &found, "the listener"));
  return found;
}

bool nobody_listens(const NodeAgent& agent) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return listener(agent).until < static_cast<uint64_t>(std::chrono::nanoseconds(now).count());
}

void check_ends(const Json& event, const std::string& source, const std::string& destination) {
  INFO(event.dump());
  CHECK(event["source"] == source);
  CHECK(event["destination"] == destination);
}

}  // namespace

TEST_CASE("monitor: a ping between nodes is seen at every step, in its order") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  for (const bool v4 : {true, false}) {
    CAPTURE(v4);
    Monitor here(lab, "worker");
    Monitor there(lab, "worker2");
    const std::string pod = v4 ? "10.0.1.52" : "fd00:10:1::34";
    const std::string peer = v4 ? "10.0.0.249" : "fd00:10::f9";
    REQUIRE(lab.ping("net", peer).ok());
    CHECK(here.kinds(5) == "marked encrypted received decrypted delivered");
    CHECK(there.kinds(5) == "received decrypted delivered marked encrypted");
    const auto sent = here.events();
    const auto got = there.events();
    REQUIRE(sent.size() == 5);
    REQUIRE(got.size() == 5);
    for (const auto& event : {sent[0], got[1], got[2]}) check_ends(event, pod, peer);
    for (const auto& event : {got[3], sent[3], sent[4]}) check_ends(event, peer, pod);
    for (const auto& event : {sent[1], got[0]})
      check_ends(event, v4 ? "10.0.1.138" : "fd00:10:1::8a", v4 ? "10.0.0.40" : "fd00:10::28");
    CHECK(sent[0]["protocol"] == (v4 ? "icmp" : "icmpv6"));
    CHECK(sent[0]["length"] == (v4 ? 98 : 118));
    CHECK(sent[1]["protocol"] == "esp");
    for (const auto& event : {sent[0], sent[1], got[0]}) CHECK(event["key"] == 3);
    CHECK(sent[1]["spi"] == got[0]["spi"]);
    CHECK(sent[2]["spi"] == got[4]["spi"]);
    CHECK(sent[0]["device"] == cluster.device_on("worker"));
    CHECK(sent[1]["device"] == "cilium_net");
    CHECK(got[0]["device"] == "eth0");
    CHECK(got[2]["device"] == cluster.device_on("worker2"));
    CHECK(sent[0]["time"].get<std::string>() < got[2]["time"].get<std::string>());
  }
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("monitor: filters, counts, drops, and how it ends") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  const NodeAgent& agent = lab.agent("worker");
  {
    INFO("a node's pods and addresses, one kind, and enough after two");
    Monitor chosen(lab, "worker",
                   {"--node", "worker2", "--type", "encrypted,marked", "--count", "2"});
    REQUIRE(lab.ping("net", "10.0.2.77").ok());
    REQUIRE(chosen.process().running());
    REQUIRE(lab.ping("net", "10.0.0.249").ok());
    CHECK(chosen.process().wait() == 0);
    CHECK(chosen.kinds(2) == "marked encrypted");
    CHECK_THAT(chosen.text(), Contains("2 events shown, 0 lost"));
    CHECK(listener(agent).until == 0);
    CHECK(chosen.events()[0]["destination"] == "10.0.0.249");
    CHECK(chosen.events()[1]["destination"] == "10.0.0.40");
  }
  {
    INFO("a drop has the status' reason");
    Monitor dropped(lab, "worker", {"--to", "10.0.1.77"});
    const uint64_t before = agent.ask("status")["drops"]["no_endpoint"]["packets"];
    CHECK_FALSE(sh_in("net", "ping -c 1 -W 1 10.0.1.77").ok());
    CHECK(dropped.kinds(1) == "dropped");
    REQUIRE(dropped.events().size() == 1);
    CHECK(dropped.events()[0]["reason"] == "no_endpoint");
    CHECK(agent.ask("status")["drops"]["no_endpoint"]["packets"] == before + 1);
    CHECK(dropped.process().stop(SIGTERM) == 0);
    CHECK_THAT(dropped.text(), Contains("1 events shown, 0 lost"));
    CHECK(listener(agent).until == 0);
  }
  const uint64_t quiet = written(agent);
  REQUIRE(lab.ping("net", "10.0.0.249", 3).ok());
  CHECK(written(agent) == quiet);
  {
    INFO("nobody reads on");
    Process piped({"sh", "-c", joined(Monitor::command(lab, "worker", {}, "text")) + "| head -n 1"},
                  lab.log_dir() + "/piped.log", "worker");
    REQUIRE(wait_until([&] { return !nobody_listens(agent); }));
    REQUIRE(lab.ping("net", "10.0.0.249").ok());
    CHECK(piped.wait() == 0);
    CHECK_THAT(piped.output(), Contains(" marked    icmp 10.0.1.52 > 10.0.0.249 98B key 3 lxc"));
    CHECK(listener(agent).until == 0);
  }
  const Result wrong = agent.ctl("monitor --node nobody --bpf-root " + agent.bpf_root());
  CHECK(wrong.status == 1);
  CHECK_THAT(wrong.output, Contains("the agent knows of no node nobody"));
}

TEST_CASE("monitor: one listener at a time, and none after it was killed or cleaned up after") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  NodeAgent& agent = lab.agent("worker");
  {
    Monitor first(lab, "worker");
    const Result second = sh_in("worker", joined(Monitor::command(lab, "worker")));
    CHECK(second.status == 1);
    CHECK_THAT(second.output,
               Contains("process " + std::to_string(first.process().pid()) + " listens"));
    const uint64_t before = written(agent);
    REQUIRE(lab.ping("net", "10.0.0.249").ok());
    CHECK(first.kinds(5) == "marked encrypted received decrypted delivered");
    CHECK(written(agent) > before);
    CHECK(first.process().stop(SIGKILL) == 128 + SIGKILL);
  }
  {
    INFO("the next one sees nothing of before, and may begin at once");
    REQUIRE(lab.ping("net", "10.0.0.249").ok());
    Monitor next(lab, "worker");
    REQUIRE(lab.ping("net", "10.0.2.77").ok());
    CHECK(next.kinds(5) == "marked encrypted received decrypted delivered");
    CHECK(next.events()[0]["destination"] == "10.0.2.77");
    CHECK(next.process().stop(SIGKILL) == 128 + SIGKILL);
  }
  REQUIRE(wait_until([&] { return nobody_listens(agent); }));
  CHECK(listener(agent).until != 0);
  const uint64_t silent = written(agent);
  REQUIRE(lab.ping("net", "10.0.0.249", 3).ok());
  CHECK(written(agent) == silent);

  Monitor last(lab, "worker");
  agent.stop();
  REQUIRE(agent.cleanup().ok());
  CHECK(last.process().wait() == 1);
  CHECK_THAT(last.text(), Contains("no longer there"));
  CHECK_FALSE(std::filesystem::exists(agent.bpf_root()));
  const Result none = sh_in("worker", joined(Monitor::command(lab, "worker")));
  CHECK(none.status == 1);
  CHECK_THAT(none.output, Contains("there is no " + agent.bpf_root() + "/pellicle_listen"));
}

}  // namespace this_file
