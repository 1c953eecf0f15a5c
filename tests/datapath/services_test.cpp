// The seed's Service beside kube-proxy in iptables mode, as the seed shows it, and under load.
// matrix_test covers the other modes and clients.
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <regex>
#include <set>
#include <thread>

#include "tests/datapath/tcp_talk.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/kube_proxy/kube_proxy.h"
#include "tests/harness/lab/seed_pods.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

constexpr const char* kMasquerading = "ipv4-native-routing-cidr = \"10.0.0.0/8\"\n";
const std::string kOutside;  // the guest's root namespace, 172.18.0.1

const std::string kWorkerPage = kSeedPods[1].page();   // cni-s22px
const std::string kWorker2Page = kSeedPods[2].page();  // cni-fcnh6
const std::set<std::string> kBoth = {kWorkerPage, kWorker2Page};

// kube-proxy's rules exist before the agents start.
void start_cluster(Lab& lab, const ServiceSpec& spec = {}) {
  install_service(lab.network(), spec);
  lab.start_agents();
  add_seed_pods(lab);
  for (const SeedPod& pod : kSeedPods) add_client_page(pod.name);
}

std::string node_port(const std::string& address, const std::string& path = "/") {
  return "http://" + address + ":" + std::to_string(kNodePort) + path;
}

std::string service_page() {
  return std::string("http://") + kServiceAddress + "/";
}

// The pages from eight connections, all of which must succeed; curl's message if one fails.
std::set<std::string> pages(const std::string& from, const std::string& url) {
  const Result asked = sh_in(from, "curl --silent --show-error --fail --fail-early --max-time 5 " +
                                       shell_word(url + "?[1-8]"));
  if (!asked.ok()) return {asked.output};
  std::set<std::string> found;
  std::istringstream lines(asked.output);
  for (std::string line; std::getline(lines, line);) found.insert(line + "\n");
  return found;
}

// kube-proxy picks a back end at random per connection: the probability that all 40 get the same
// one is 2^-39.
void check_both_answer(const std::string& from, const std::string& url) {
  CAPTURE(from, url);
  std::set<std::string> found;
  for (int i = 0; i < 5 && found.size() < 2; ++i) found.merge(pages(from, url));
  CHECK(found == kBoth);
}

std::string kube_rules(const std::string& node) {
  return must_in(node,
                 "for table in filter nat; do iptables-legacy -t $table -S; done | grep KUBE-");
}

// Does conntrack show such a connection, as in the seed's listing? A masqueraded connection that is
// encrypted has the agent's own bit, 0x1000.
bool tracked(const std::string& node, const std::string& original, const std::string& reply) {
  const std::regex line("tcp      6 [0-9]+ TIME_WAIT " + original + " " + reply +
                        " \\[ASSURED\\] mark=(0|4096) use=[0-9]+\n");
  return std::regex_search(must_in(node, "conntrack -L -p tcp 2>/dev/null"), line);
}

void check_no_cleartext(Lab& lab) {
  const auto cleartext = lab.cleartext();
  if (!cleartext.empty()) UNSCOPED_INFO(cleartext.front().text());
  CHECK(cleartext.empty());
  CHECK(lab.files_with_the_key().empty());
}

// Connections from a pod to the ClusterIP, four at a time, with one request each.
class Connections {
 public:
  explicit Connections(const std::string& pod) {
    for (int i = 0; i < 4; ++i) threads_.push_back(thread_in(pod, [this] { work(); }));
  }
  ~Connections() { end(); }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Adds this many connections.
  void ask(int connections) {
    const std::lock_guard lock(mutex_);
    wanted_ += connections;
    changed_.notify_all();
  }

  // Waits for all requested connections. Returns their outcomes: "9999 answered, 1 connect: ...".
  std::string outcomes() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ == wanted_; });
    std::string text;
    for (const auto& [outcome, count] : outcomes_) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + outcome;
    }
    return text;
  }

 private:
  static std::string outcome() {
    const sockaddr_in service = udp_address(kServiceAddress, 80);
    const FileDescriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    limit(connection);
    const auto error = [](const char* what) { return std::string(what) + std::strerror(errno); };
    if (connect(connection.get(), generic(service), sizeof service) != 0) return error("connect: ");
    if (send(connection.get(), "?", 1, MSG_NOSIGNAL) != 1) return error("send: ");
    char byte = 0;
    const ssize_t received = recv(connection.get(), &byte, 1, 0);
    if (received < 0) return error("receive: ");
    return received == 1 && byte == '?' ? "answered" : "another answer";
  }
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ended_ || begun_ < wanted_; });
      if (ended_) return;
      ++begun_;
      lock.unlock();
      const std::string became = outcome();
      lock.lock();
      ++outcomes_[became];
      if (++done_ == wanted_) changed_.notify_all();
    }
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    for (std::jthread& thread : threads_) thread.join();
  }
  std::mutex mutex_;  // for all members below except threads_
  std::condition_variable changed_;
  int wanted_ = 0;
  int begun_ = 0;
  int done_ = 0;
  bool ended_ = false;
  std::map<std::string, int> outcomes_;
  std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE("the seed's Service: both back ends answer, and the node's tables are as it shows them") {
  Lab lab({.agent_config = kMasquerading});
  install_service(lab.network());
  const std::string rules = kube_rules("worker");
  start_cluster(lab);
  check_both_answer("net", node_port("172.18.0.3"));
  check_both_answer("net", service_page());
  check_both_answer("worker", node_port("127.0.0.1"));

  CHECK(tracked("worker", "src=10.0.1.52 dst=10.96.169.246 sport=[0-9]+ dport=80",
                "src=10.0.0.249 dst=10.0.1.52 sport=80 dport=[0-9]+"));
  CHECK(tracked("worker", "src=10.0.1.52 dst=172.18.0.3 sport=[0-9]+ dport=32000",
                "src=10.0.0.249 dst=172.18.0.3 sport=80 dport=[0-9]+"));
  CHECK(kube_rules("worker") == rules);
  // The seed's kube-proxy is older: it jumped to KUBE-SVC- here, and handled the rest with a rule
  // there.
  CHECK(rules.find("-A KUBE-NODEPORTS -p tcp -m comment --comment \"default/serversvc:cni\" -m tcp "
                   "--dport 32000 -j KUBE-EXT-CU7F3MNN62CF4ANP\n") != std::string::npos);
  CHECK(rules.find("-A KUBE-EXT-CU7F3MNN62CF4ANP -m comment --comment \"masquerade traffic for "
                   "default/serversvc:cni external destinations\" -j KUBE-MARK-MASQ\n") !=
        std::string::npos);
  check_no_cleartext(lab);
}

TEST_CASE("with externalTrafficPolicy Local the back ends see the client's own address") {
  Lab lab({.agent_config = kMasquerading});
  start_cluster(lab, {.local_only = true});
  const auto client = [&](const std::string& from, const std::string& node) {
    return lab.http_get(from, node_port(node, "/cgi-bin/client")).output;
  };
  CHECK(client(kOutside, "172.18.0.3") == "172.18.0.1\n");
  CHECK(client(kOutside, "172.18.0.4") == "172.18.0.1\n");
  // Another node treats a pod like the pod's node.
  CHECK(client("net", "172.18.0.4") == "172.18.0.3\n");
  check_no_cleartext(lab);
}

TEST_CASE("ten thousand connections to a Service across nodes, half while agents restart") {
  Lab lab({.agent_config = kMasquerading});
  install_service(lab.network());
  lab.start_agents();
  for (const SeedPod& pod : kSeedPods) lab.add_pod(pod.node, pod.name, pod.address);
  const EchoServer worker("cni-s22px", 80);
  const EchoServer worker2("cni-fcnh6", 80);

  // For this client both back ends are on other nodes.
  Connections connections("cni-cp");
  connections.ask(5000);
  CHECK(connections.outcomes() == "5000 answered");
  for (int restart = 0; restart < 2; ++restart) {
    for (const NodeSpec& node : lab.network().nodes()) lab.agent(node.name).kill();
    connections.ask(1000);
    static_cast<void>(connections.outcomes());
    connections.ask(1500);
    lab.start_agents();
    static_cast<void>(connections.outcomes());
  }
  CHECK(connections.outcomes() == "10000 answered");
  CHECK(worker.served() > 0);
  CHECK(worker2.served() > 0);
  CHECK(worker.served() + worker2.served() == 10000);
  check_no_cleartext(lab);
}

namespace {

// The agents' periodic comparisons are too far apart to matter: they repair only what the kernel
// notified them of.
LabOptions only_listening() {
  return {.agent_config = std::string(kMasquerading) + "resync-seconds = 86400\n"};
}

// kube-proxy's INVALID drop, before Pellicle's chain or in another back end, breaks every pod's TCP
// connections to other nodes.
void check_noticed(Lab& lab, const ServiceSpec& spec) {
  install_service(lab.network(), spec);
  CHECK(wait_until([&] { return pages("net", "http://10.0.0.249/") == std::set{kWorker2Page}; }));
  check_both_answer("net", service_page());
}

// Waits until the number is unchanged for `calm`; false if it does not settle.
template <class Number>
bool comes_to_rest(const Number& number, Seconds calm) {
  return wait_until([&] {
    const auto before = number();
    std::this_thread::sleep_for(calm);
    return number() == before;
  });
}

}  // namespace

// In a stock kernel the agents use the other back end until then, plain iptables'.
TEST_CASE("a kube-proxy that comes after the agents is noticed when it writes its rules",
          "[stock]") {
  Lab lab(only_listening());
  lab.start_agents();
  add_seed_pods(lab);
  check_noticed(lab, {});
  for (const NodeSpec& node : lab.network().nodes()) {
    const std::string counts =
        "for iptables in iptables ip6tables; do $iptables-nft-save 2>/dev/null | grep -c PELLICLE; "
        "done";
    CHECK(wait_until([&] { return sh_in(node.name, counts).output == "0\n0\n"; }));
    CHECK(wait_until([&] { return lab.agent(node.name).ask("diff")["operations"].empty(); }));
  }
  CHECK(lab.cleartext().empty());
}

// nftables announces every write through netlink. Services that come and go there cause no pass.
// User-Mode Linux (6.1) has no nf_tables for IP: this runs only in the stock kernel, in every
// tools/test.
TEST_CASE("a kube-proxy that writes nftables is noticed, and each time it does", "[.][stock]") {
  Lab lab(only_listening());
  lab.start_agents();
  add_seed_pods(lab);
  for (int i = 0; i < 2; ++i) check_noticed(lab, {.mode = ProxyMode::iptables_nft});
  const auto passes = [&] { return lab.agent("worker").ask("status")["passes"].get<int>(); };
  REQUIRE(comes_to_rest(passes, 3s));
  const int before = passes();
  must_in("worker", "iptables-nft -N KUBE-SVC-NEW && iptables-nft -A KUBE-SVC-NEW -j RETURN");
  std::this_thread::sleep_for(3s);
  CHECK(passes() == before);
  must_in("worker", "iptables-nft -I FORWARD -j KUBE-SVC-NEW");
  CHECK(wait_until([&] { return passes() > before; }));
  CHECK(lab.cleartext().empty());
}

}  // namespace this_file
