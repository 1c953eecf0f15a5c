// Long-lived TCP connections while a test changes the nodes, each in a thread of the test that
// stays in its network namespace.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "tests/datapath/pod_socket.h"

namespace pellicle::lab {

// A thread in /run/netns/<netns>; empty: the test's own namespace.
inline std::jthread thread_in(const std::string& netns, std::function<void()> work) {
  return std::jthread([netns, work = std::move(work)] {
    if (netns.empty()) return work();
    const FileDescriptor there(open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC));
    if (there && setns(there.get(), CLONE_NEWNET) == 0) work();
  });
}

// Sets a limit of 10 s for connecting, sending and receiving.
inline void limit(const FileDescriptor& tcp) {
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  setsockopt(tcp.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(tcp.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Echoes every byte, on one port of a pod or a node.
class EchoServer {
 public:
  EchoServer(const std::string& netns, uint16_t port)
      : port_(port), thread_(thread_in(netns, [this] { serve(); })) {
    if (!wait_until([&] { return listening_.load(); })) throw LabError("no server in " + netns);
  }
  ~EchoServer() { ended_ = true; }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  int served() const { return served_; }  // received bytes

 private:
  void serve() {
    const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in any = udp_address("0.0.0.0", port_);
    if (bind(listener.get(), generic(any), sizeof any) != 0) return;
    if (listen(listener.get(), 64) != 0) return;
    listening_ = true;
    std::list<FileDescriptor> connections;
    while (!ended_) {
      std::vector<pollfd> readable{{.fd = listener.get(), .events = POLLIN, .revents = 0}};
      for (const auto& each : connections) {
        readable.push_back({.fd = each.get(), .events = POLLIN, .revents = 0});
      }
      if (poll(readable.data(), readable.size(), 100) <= 0) continue;
      size_t next = 0;
      std::erase_if(connections, [&](const FileDescriptor& each) {
        return readable[++next].revents != 0 && !echo(each.get());
      });
      if (readable[0].revents == 0) continue;
      connections.emplace_back(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }
  // False: the connection has ended.
  bool echo(int connection) {
    char bytes[512];
    const ssize_t size = recv(connection, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    served_ += static_cast<int>(size);  // before the client gets the answer
    return send(connection, bytes, static_cast<size_t>(size), MSG_NOSIGNAL) == size;
  }
  uint16_t port_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> listening_ = false;
  std::atomic<int> served_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

// One connection from a pod or a node to an EchoServer. It sends every 20 ms, and gives up if an
// answer takes more than 10 s.
class TcpTalk {
 public:
  TcpTalk(const std::string& netns, const std::string& address, uint16_t port)
      : name_((netns.empty() ? "outside" : netns) + " > " + address),
        thread_(thread_in(netns, [this, to = udp_address(address, port)] { talk(to); })) {}
  ~TcpTalk() { ended_ = true; }
  TcpTalk(const TcpTalk&) = delete;
  TcpTalk& operator=(const TcpTalk&) = delete;

  const std::string& name() const { return name_; }
  // Waits for this many more answers.
  bool goes_on(uint32_t answers = 20, Seconds limit = 15s) const {
    const uint32_t wanted = answered_ + answers;
    return wait_until([&] { return answered_ >= wanted || broken_; }, limit) && !broken_;
  }

 private:
  void talk(const sockaddr_in& to) {
    const FileDescriptor connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    limit(connection);
    broken_ = connect(connection.get(), generic(to), sizeof to) != 0;
    while (!ended_ && !broken_) {
      const char asked = static_cast<char>(answered_);
      char got = 0;
      broken_ = send(connection.get(), &asked, 1, MSG_NOSIGNAL) != 1 ||
                recv(connection.get(), &got, 1, 0) != 1 || got != asked;
      ++answered_;
      std::this_thread::sleep_for(20ms);
    }
  }
  std::string name_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> broken_ = false;
  std::atomic<uint32_t> answered_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace pellicle::lab
