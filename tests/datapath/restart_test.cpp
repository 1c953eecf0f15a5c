// The agent may stop, crash or be replaced: the kernel keeps working without it.
#include <cstdio>
#include <random>
#include <regex>
#include <thread>

#include "tests/datapath/restarts.h"
#include "tests/harness/length.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using namespace pellicle::lab::restarts;

namespace {

// A program that prints kernel notifications. A change that it must print shows that it listens,
// and marks where listening started.
class Watch {
 public:
  Watch(const std::string& node, const std::string& command, std::string change, std::string undo)
      : node_(node),
        change_(std::move(change)),
        undo_(std::move(undo)),
        process_({"sh", "-c", "exec stdbuf -oL " + command},
                 "/run/lab/watch-" + node + "-" + command.substr(0, command.find(' ', 4)), node) {
    REQUIRE(wait_until([&] {
      provoke();
      return !process_.output().empty();
    }));
    settle();
    seen_ = process_.output().size();
  }

  // Everything printed since construction.
  std::string heard() {
    settle();
    const std::string text = process_.output().substr(seen_);
    const size_t before = text.size();
    provoke();
    CHECK(wait_until([&] { return process_.output().size() > seen_ + before; }));
    return text;
  }

 private:
  void provoke() { must_in(node_, change_ + " && " + undo_); }

  // The kernel queues notifications together with the change: a printer without more input sleeps.
  void settle() {
    const auto idle = [&] {
      const size_t size = process_.output().size();
      std::this_thread::sleep_for(100ms);
      return process_.output().size() == size;
    };
    REQUIRE(wait_until(idle));
  }

  std::string node_, change_, undo_;
  Process process_;
  size_t seen_ = 0;
};

std::list<Watch> watch_everything(const std::string& node) {
  std::list<Watch> watches;
  watches.emplace_back(node, "ip monitor link address route rule netconf",
                       "ip route add blackhole 192.0.2.1", "ip route del blackhole 192.0.2.1");
  // Without aevent, which reports sequence numbers.
  const std::string policy = " src 192.0.2.1 dst 192.0.2.2 dir out";
  watches.emplace_back(node, "ip xfrm monitor acquire expire SA policy",
                       "ip xfrm policy add" + policy, "ip xfrm policy del" + policy);
  watches.emplace_back(node, "tc monitor", "tc qdisc add dev lo clsact",
                       "tc qdisc del dev lo clsact");
  return watches;
}

// The tags of the programs on a node's devices.
std::map<std::string, std::string> tags_of_programs(const std::string& node) {
  static const std::regex program(R"((pell_\w+).* tag (\w+))");
  std::map<std::string, std::string> tags;
  const std::string filters =
      must_in(node,
              "for dev in $(ls /sys/class/net 2>/dev/null; ip -br link | sed 's/[@ ].*//'); do "
              "tc filter show dev $dev ingress; tc filter show dev $dev egress; done 2>/dev/null");
  std::istringstream lines(filters);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, program)) tags[match[1]] = match[2];
  }
  return tags;
}

}  // namespace

TEST_CASE("a restart with nothing to do tells the kernel and the API server nothing") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  for (const std::string& node : kNodes) REQUIRE(nothing_to_do(lab, node));
  // The kernel sends a notification of its own when duplicate address detection of a device's IPv6
  // address ends.
  REQUIRE(wait_until([] { return must_in("worker", "ip -6 address show tentative").empty(); }));
  const auto births = births_everywhere();
  const auto tags = tags_of_programs("worker");
  auto watches = watch_everything("worker");
  lab.api().clear_requests();
  for (int i = 0; i < 2; ++i) {
    if (i == 0) {
      CHECK(lab.agent("worker").stop() == 0);
    } else {
      lab.agent("worker").kill();
    }
    cluster.check_pings_go_on("the agent is down");
    lab.start_agent("worker");
    CHECK(nothing_to_do(lab, "worker"));
    cluster.check_pings_go_on("the agent is back");
    CHECK_FALSE(lab.agent("worker").ask("status").contains("lastChange"));
  }
  for (Watch& watch : watches) CHECK(watch.heard() == "");
  for (const auto& request : lab.api().requests()) CHECK(request.verb != "patch");
  CHECK(births_everywhere() == births);
  CHECK(tags_of_programs("worker") == tags);
  cluster.check_all_arrived();
}

// Eight kills, or twenty.
TEST_CASE("pings lose nothing while agents are killed at random moments") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  const auto births = births_everywhere();
  const char* given = std::getenv("PELLICLE_SEED");
  const auto seed = given ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  std::printf("PELLICLE_SEED=%lu\n", seed);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  lab.agent("worker").stop();
  const auto begin = std::chrono::steady_clock::now();
  lab.start_agent("worker");
  const Seconds whole_start = std::chrono::steady_clock::now() - begin;

  // A Node that comes and goes gives the passes something to write.
  const NodeSpec guest = fourth_node();
  const api::Json object = api::node_object({"worker3", "172.18.0.5", "10.0.3.0/24", "10.0.3.17",
                                             "44444444-4444-4444-4444-444444444444"});
  std::uniform_real_distribution<double> moment(0, 1.5 * whole_start.count());
  for (size_t kill = 0; kill < length(8, 20); ++kill) {
    const std::string& node = kNodes[random() % kNodes.size()];
    lab.agent(node).kill();
    if (kill % 2 == 0) {
      lab.api().create(object);
    } else {
      lab.api().remove(api::node_key("worker3"));
    }
    lab.agent(node).start();
    std::this_thread::sleep_for(Seconds(moment(random)));
    lab.agent(node).kill();
    lab.agent(node).start();
  }
  lab.start_agents();
  for (const std::string& node : kNodes) {
    CAPTURE(node);
    CHECK(lab.agent(node).wait_ready());
    CHECK(wait_until([&] { return !has_peer(lab, node, "worker3"); }));
    CHECK(nothing_to_do(lab, node));
    CHECK(lab.agent(node).ctl("status").ok());
  }
  CHECK(births_everywhere() == births);
  cluster.check_all_arrived();
}

TEST_CASE("pings lose nothing while agents are upgraded in place, and back") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  const auto births = births_everywhere();
  const auto tags = tags_of_programs("worker");
  REQUIRE(tags.size() == 5);
  const auto maps_of = [](const std::string& node) {
    return must("for map in /sys/fs/bpf/" + node +
                "/pellicle_*; do bpftool map show pinned $map | head -n 1; done");
  };
  const std::string maps = maps_of("worker");
  for (const std::string& node : kNodes) {
    lab.agent(node).stop();
    lab.agent(node).start("", "pellicle-agent-next");
    REQUIRE(lab.agent(node).wait_ready());
    CHECK(nothing_to_do(lab, node));
    cluster.check_pings_go_on(node + " is upgraded");
  }
  const auto next_tags = tags_of_programs("worker");
  CHECK(next_tags.size() == 5);
  for (const auto& [program, tag] : next_tags) {
    CAPTURE(program);
    CHECK(tag != tags.at(program));
  }
  CHECK(maps_of("worker") == maps);
  lab.agent("worker").kill();
  lab.start_agent("worker");
  CHECK(nothing_to_do(lab, "worker"));
  CHECK(tags_of_programs("worker") == tags);
  CHECK(births_everywhere() == births);
  cluster.check_all_arrived();
}

}  // namespace this_file
