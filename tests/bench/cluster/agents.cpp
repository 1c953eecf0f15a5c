#include "tests/bench/cluster/agents.h"

#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "agent/announcer.h"
#include "agent/core/cluster_watch.h"
#include "agent/core/passes.h"
#include "agent/kube/access.h"
#include "agent/log.h"
#include "tests/bench/cluster/node_object.h"
#include "tests/harness/memory_kernel/memory_kernel.h"
#include "tests/harness/node_core.h"
#include "tests/harness/seed_inputs.h"
#include "tests/harness/temporary_directory.h"

namespace pellicle::bench {
namespace {

constexpr std::chrono::hours kResync{1};  // the scenarios are shorter

Settings settings_of(size_t number) {
  Settings settings;
  settings.node_name = node_name(number);
  return settings;
}

// As agent.cpp connects the parts.
class SimulatedAgent {
 public:
  SimulatedAgent(boost::asio::io_context& context, const ApiAccess& access, size_t number,
                 MemoryKernel& kernel, const std::string& state_dir)
      : kernel_(kernel),
        settings_(settings_of(number)),
        node_(settings_, kernel, state_dir, node_boot_id(number), Core::machine_time),
        passes_(context, kernel, node_.core, kResync, [this] { after_pass(); }),
        client_(context, access),
        watch_(context, client_, node_.store, settings_.node_name,
               {.on_change = [this] { passes_.request(); },
                .on_peer =
                    [this](const std::string& name) {
                      passes_.peer_changed(name, node_.store.node(name));
                    }}),
        announcer_(context, client_, settings_, node_.store, node_.core, nullptr) {
    node_.rotation.resume();
    node_.adopt_pods();
    watch_.start();
  }

  void flush() {
    Plan removal;
    for (auto& operation : plan({}, kernel_.dump())) {
      if (std::holds_alternative<Change<State>>(operation)) removal.push_back(operation);
    }
    kernel_.apply(removal);
    passes_.request();
  }

 private:
  void after_pass() {
    kernel_.log.clear();
    const auto& last = node_.core.last();
    watch_.after_pass(last.desired.cluster.disputed);
    if (const auto next = node_.rotation.advance(last, SteadyClock::now())) passes_.request(*next);
    announcer_.announce(std::nullopt);
  }

  MemoryKernel& kernel_;
  Settings settings_;
  NodeCore node_;
  Passes passes_;
  ApiClient client_;
  ClusterWatch watch_;
  Announcer announcer_;
};

// A thread for each agent: what is queued on its loop ends with the loop, as with a daemon.
class Machine {
 public:
  Machine(const ApiAccess& access, size_t number) : access_(access), number_(number) {
    const auto address = *IpAddress::parse(internal_ip(number));
    kernel_.add_device("eth0", {.mtu = 1500, .addresses = {{address, 16}}});
    kernel_.program_tags = seed::program_tags();
    start();
  }
  ~Machine() { stop(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void start() {
    context_ = std::make_unique<boost::asio::io_context>(1);
    agent_ =
        std::make_unique<SimulatedAgent>(*context_, access_, number_, kernel_, directory_.path());
    thread_ = std::thread([this] { context_->run(); });
  }
  void stop() {
    if (!agent_) return;
    context_->stop();
    thread_.join();
    agent_.reset();
    context_.reset();
  }
  void flush() {
    boost::asio::post(*context_, [this] { agent_->flush(); });
  }

 private:
  const ApiAccess& access_;
  size_t number_;
  TemporaryDirectory directory_;
  MemoryKernel kernel_;
  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<SimulatedAgent> agent_;
  std::thread thread_;
};

class Machines {
 public:
  Machines(const ApiAccess& access, size_t count) : input_(context_, ::dup(STDIN_FILENO)) {
    for (size_t i = 1; i <= count; ++i) machines_.push_back(std::make_unique<Machine>(access, i));
    listen();
  }
  void run() { context_.run(); }

 private:
  void listen() {
    boost::asio::async_read_until(input_, boost::asio::dynamic_buffer(unread_), '\n',
                                  [this](boost::system::error_code error, size_t size) {
                                    if (error) return context_.stop();
                                    obey(unread_.substr(0, size));
                                    unread_.erase(0, size);
                                    listen();
                                  });
  }
  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    size_t number = 0;
    words >> verb >> number;
    auto& machine = *machines_.at(number - 1);
    if (verb == "stop") machine.stop();
    if (verb == "start") machine.start();
    if (verb == "flush") machine.flush();
  }

  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor input_;
  std::string unread_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

}  // namespace

int run_agents(const std::string& kubeconfig, size_t count) {
  log::start("error", log::Format::text);
  const auto access = api_access(kubeconfig, "", "", "pellicle-agent");
  Machines(access, count).run();
  return 0;
}

}  // namespace pellicle::bench
