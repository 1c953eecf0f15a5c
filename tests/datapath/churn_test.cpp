// Many pods at once, created and deleted as kubelet does it, while the agent dies and restarts.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "tests/datapath/conversations.h"
#include "tests/datapath/pod_socket.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/cni_runtime.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"
#include "tests/harness/length.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Catch::Matchers::Contains;

namespace {

using Json = nlohmann::json;

// Also fails if the devices cannot be listed.
constexpr const char* kNoPodDevice = "ip -br link > /run/lab/links && ! grep lxc /run/lab/links";
using Step = std::function<void()>;

constexpr size_t kThreads = 8;
constexpr Seconds kPatience = 60s;  // of kubelet, per pod

// Runs work(0) to work(count - 1), eight at a time, and `meanwhile` once half of them are done.
// Returns the work's errors.
Sentences eight_at_a_time(size_t count, const std::function<void(size_t)>& work,
                          const Step& meanwhile = {}) {
  Findings findings;
  std::atomic<size_t> next = 0;
  std::atomic<size_t> done = 0;
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (size_t at = next++; at < count; at = next++) {
        try {
          work(at);
        } catch (const std::exception& error) {
          findings.add(error.what());
        }
        ++done;
      }
    });
  }
  if (meanwhile) {
    if (!wait_until([&] { return done >= count / 2; }, 120s)) findings.add("half takes too long");
    meanwhile();
  }
  threads.clear();
  return findings.all();
}

struct Pod {
  std::string name;  // also its namespace's, which is a new one after each failure
  CniPod sandbox;
  std::string address;
};

// kubelet and containerd for one pod: a failed sandbox is removed and another one is tried.
class Kubelet {
 public:
  explicit Kubelet(CniRuntime& runtime) : runtime_(runtime) {}

  Pod run(const std::string& name) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    for (int attempt = 1;; ++attempt) {
      Pod pod{.name = name + "-" + std::to_string(attempt), .sandbox = {}, .address = {}};
      pod.sandbox = {.id = "sandbox-of-" + pod.name,
                     .netns = make_netns(pod.name),
                     .args = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=" + name};
      const CniAnswer answer = runtime_.add(pod.sandbox);
      if (answer.ok()) {
        pod.address = answer.addresses().at(0);
        return pod;
      }
      stop(pod);
      if (std::chrono::steady_clock::now() > end) throw LabError(answer.text());
      std::this_thread::sleep_for(1s);  // kubelet waits longer
    }
  }

  void stop(const Pod& pod) {
    CniAnswer answer;
    if (!wait_until([&] { return (answer = runtime_.remove(pod.sandbox)).ok(); }, kPatience)) {
      throw LabError(answer.text());
    }
    remove_netns(pod.name);
  }

 private:
  CniRuntime& runtime_;
};

// The addresses in use, as the pods see them.
class AddressBook {
 public:
  void take(const std::string& address) {
    const std::lock_guard lock(mutex_);
    if (!held_.insert(address).second) throw LabError(address + " was given twice");
    if (!ever_.insert(address).second) again_.push_back(address);
  }
  void give_back(const std::string& address) {
    const std::lock_guard lock(mutex_);
    held_.erase(address);
  }
  const Sentences& given_again() const { return again_; }

 private:
  std::mutex mutex_;
  std::set<std::string> held_;
  std::set<std::string> ever_;
  Sentences again_;
};

// worker, with its agent and a CNI runtime that uses the configuration that the agent installed.
struct Worker {
  Lab& lab;
  NodeAgent& agent;
  CniRuntime runtime;
  Kubelet kubelet{runtime};
  AddressBook book;
  std::vector<Pod> pods;

  explicit Worker(Lab& cluster)
      : lab(cluster),
        agent(cluster.agent("worker")),
        runtime("worker", agent.cni_bin_dir(), conflist_in(agent.cni_conf_dir())) {}

  void kill_and_start_agent() const {
    agent.kill();
    agent.start();
  }

  void create(const std::string& prefix, size_t count, const Step& meanwhile = {}) {
    pods.resize(count);
    const auto one = [&](size_t i) {
      pods[i] = kubelet.run(prefix + "-" + std::to_string(i));
      book.take(pods[i].address);
    };
    CHECK(eight_at_a_time(count, one, meanwhile) == Sentences{});
  }

  // The first ones are replaced by others.
  void replace(const std::string& prefix, size_t count) {
    const auto one = [&](size_t i) {
      book.give_back(pods[i].address);
      kubelet.stop(pods[i]);
      pods[i] = kubelet.run(prefix + "-" + std::to_string(i));
      book.take(pods[i].address);
    };
    CHECK(eight_at_a_time(count, one) == Sentences{});
  }

  void remove_all(const Step& meanwhile = {}) {
    const auto one = [&](size_t i) {
      book.give_back(pods[i].address);
      kubelet.stop(pods[i]);
    };
    CHECK(eight_at_a_time(pods.size(), one, meanwhile) == Sentences{});
    pods.clear();
  }

  // Every pod has a unique address on the node, and the agent knows it.
  void check_pods() {
    REQUIRE(agent.wait_ready());
    const Cidr pod_cidr = lab.network().node("worker").pod_cidr;
    std::set<std::string> reserved{"10.0.1.0", "10.0.1.138", "10.0.1.255"};
    const Json record = Json::parse(file_text(agent.state_dir() + "/endpoints.json"));
    reserved.insert(record.at("health").at(0).get<std::string>());
    REQUIRE(reserved.size() == 4);
    std::map<std::string, std::string> wanted;  // address -> id
    for (const Pod& pod : pods) {
      CAPTURE(pod.name, pod.address);
      CHECK(wanted.emplace(pod.address, pod.sandbox.id + ":eth0").second);
      CHECK(pod_cidr.contains(*IpAddress::parse(pod.address)));
      CHECK_FALSE(reserved.contains(pod.address));
      CHECK(address_in(pod.name, "eth0") == pod.address);
    }
    CHECK(listed() == wanted);
    CHECK_THAT(agent.says(), Contains("IPAM: IPv4: " + std::to_string(2 + pods.size()) + "/254 "));
  }

  std::map<std::string, std::string> listed() const {
    std::map<std::string, std::string> pods_listed;
    for (const auto& pod : agent.ask("pod-list")) {
      for (const auto& entry : pod["addresses"]) pods_listed[entry["address"]] = pod["id"];
    }
    return pods_listed;
  }

  std::vector<std::string> namespaces() const {
    std::vector<std::string> names;
    for (const Pod& pod : pods) names.push_back(pod.name);
    return names;
  }

  void check_nothing_left() const {
    REQUIRE(agent.wait_ready());
    CHECK(agent.ask("pod-list").empty());
    // The kernel removes an unused namespace asynchronously.
    CHECK(wait_until([] { return sh_in("worker", kNoPodDevice).ok(); }));
    CHECK(must("bpftool -j map dump pinned " + agent.bpf_root() + "/pellicle_eps") == "[]\n");
    CHECK(must("ls /run/netns") == "worker\n");
    CHECK(must("find " + agent.state_dir() + " -path '*/deletions/*'").empty());
    CHECK_THAT(agent.says(), Contains("IPAM: IPv4: 2/254 allocated from 10.0.1.0/24"));
    const Result diff = agent.ctl("diff");
    CAPTURE(diff.output);
    CHECK(diff.ok());
  }
};

// Logs how long the parts of a run take.
class Times {
 public:
  void note(const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    std::printf("%-40s %6.2f s\n", what.c_str(), Seconds(now - last_).count());
    std::fflush(stdout);
    last_ = now;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

// 80 pods once, or 200 in three rounds.
TEST_CASE("churn: pods come and go, 8 at a time, while their agent is killed") {
  const size_t pods = length(80, 200);
  std::vector<std::string> rounds{"first", "second", "third"};
  rounds.resize(length(1, 3));
  Times times;
  Lab lab({.nodes = {seed_nodes().front()}});
  lab.start_agent("worker");
  Worker worker(lab);
  const Step kill = [&] { worker.kill_and_start_agent(); };
  times.note("the lab");
  for (const std::string& round : rounds) {
    CAPTURE(round);
    worker.create(round, pods, kill);
    times.note(round + ": created");
    worker.check_pods();
    if (round == "first") {
      worker.replace("other", 20);
      CHECK(worker.book.given_again() == Sentences{});  // there are 252
      worker.check_pods();
    }
    times.note(round + ": looked at");
    worker.remove_all(kill);
    times.note(round + ": deleted");
    worker.check_nothing_left();
    times.note(round + ": nothing left");
  }
}

// 40 pods, or 100.
TEST_CASE("churn: pods lose no packet while the agent is killed, stopped and started") {
  const size_t pods = length(40, 100);
  Times times;
  Lab lab;
  lab.start_agent("worker");
  lab.start_agent("worker2");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  Worker worker(lab);
  worker.create("pod", pods);
  worker.check_pods();
  const auto before = worker.agent.ask("pod-list");
  times.note("the pods");

  Conversations conversations("cni-fcnh6", "10.0.0.249", worker.namespaces());
  REQUIRE(conversations.go_on());
  const auto restarted = [&](const std::string& how) {
    CAPTURE(how);
    CHECK(conversations.go_on());
    worker.agent.start();
    CHECK(worker.agent.wait_ready());
    CHECK(conversations.go_on());
    CHECK(worker.agent.ask("pod-list") == before);
    CHECK(worker.agent.ctl("diff").ok());
    times.note(how);
  };
  for (const std::string how : {"killed", "killed again"}) {
    worker.agent.kill();
    restarted(how);
  }
  worker.agent.stop();
  restarted("stopped");
  CHECK(conversations.end() == Sentences{});
  times.note(std::to_string(conversations.answered()) + " answers");
  worker.check_pods();
  CHECK(esp_numbers_astray(lab.network().wire()) == Sentences{});
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
