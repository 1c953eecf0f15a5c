#include "tests/bench/event/agent_process.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "agent/model/ip.h"
#include "tests/bench/event/cluster.h"
#include "tests/harness/api/seed.h"

namespace pellicle::bench {

namespace {

constexpr double kMostWait = 60'000;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text).flush()) throw std::runtime_error("write " + path);
}

pid_t start(std::vector<std::string> words, const std::string& log) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t process = 0;
  const int error =
      posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("start " + words[0] + ": " + std::strerror(error));
  return process;
}

// The destination of a route message, such as "10.0.1.0/24".
std::string destination(const nlmsghdr* header) {
  const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
  size_t left = RTM_PAYLOAD(header);
  for (const auto* each = RTM_RTA(message); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
    if (each->rta_type != RTA_DST || message->rtm_family != AF_INET) continue;
    uint32_t address = 0;
    std::memcpy(&address, RTA_DATA(each), sizeof address);
    return Cidr(IpAddress::v4(be32toh(address)), message->rtm_dst_len).to_string();
  }
  return "";
}

}  // namespace

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

AgentProcess::AgentProcess(const Site& site, const ApiFixture& api, const std::string& token) {
  const auto options = site.options();
  write_file(site.file("kubeconfig"), api::kubeconfig(api.url(), api.ca_pem(), token));
  write_file(site.file("boot_id"), "6e9bb54f-4c2c-4b3c-9a3f-00000000ff01\n");
  // No peer would answer health probes: turn them off.
  write_file(site.file("agent.conf"),
             std::string("node-name = \"") + kSelf + "\"\nkubeconfig = \"" +
                 site.file("kubeconfig") + "\"\nstate-dir = \"" + options.state_dir +
                 "\"\nbpf-root = \"" + options.bpf_root + "\"\nboot-id-file = \"" +
                 site.file("boot_id") + "\"\ncni-conf-dir = \"\"\ncluster-health-interval = 0\n");
  process_ = start({PELLICLE_PROGRAMS "/pellicle-agent", "--config", site.file("agent.conf")},
                   site.file("agent.log"));
}

AgentProcess::~AgentProcess() {
  kill(process_, SIGTERM);
  waitpid(process_, nullptr, 0);
}

double AgentProcess::memory(const std::string& field) const {
  std::ifstream file("/proc/" + std::to_string(process_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field)) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  throw std::runtime_error("the agent has ended");
}

double AgentProcess::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(process_) + "/stat");
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // proc(5): utime is field 14
  double ticks = 0;
  for (int i = 0; i < 4; ++i) {
    double one = 0;
    fields >> one;
    ticks += one;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

RouteNews::RouteNews() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  const sockaddr_nl groups{.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_ROUTE};
  const int bytes = 16 * 1024 * 1024;
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0) {
    throw std::runtime_error("cannot hear of routes");
  }
}

double RouteNews::wait_for(const std::string& network, int count, double start) {
  std::array<char, 65536> bytes;
  while (true) {
    pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    const double left = start + kMostWait - now();
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0) {
      throw std::runtime_error("no route to " + network + " within a minute");
    }
    const auto size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size < 0) continue;  // overrun; the awaited message comes last
    auto left_bytes = static_cast<unsigned>(size);
    const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
    for (; NLMSG_OK(header, left_bytes); header = NLMSG_NEXT(header, left_bytes)) {
      if (header->nlmsg_type == RTM_NEWROUTE && destination(header) == network && --count == 0) {
        return now() - start;
      }
    }
  }
}

}  // namespace pellicle::bench
