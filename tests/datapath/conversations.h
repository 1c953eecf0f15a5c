// Traffic of many pods in one thread, in which every datagram counts.
#pragma once

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/datapath/pod_socket.h"

namespace pellicle::lab {

using Sentences = std::vector<std::string>;

// Collects errors from threads; Catch's assertions work in one thread only.
class Findings {
 public:
  void add(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    sentences_.push_back(sentence);
  }
  Sentences all() {
    const std::lock_guard lock(mutex_);
    return sentences_;
  }

 private:
  std::mutex mutex_;
  Sentences sentences_;
};

// Pods that each send numbered datagrams to an echo server: each sends its next one at the first
// beat after the answer to the last.
class Conversations {
 public:
  Conversations(const std::string& server, const std::string& address,
                const std::vector<std::string>& pods)
      : server_(udp_socket_in(server)) {
    const sockaddr_in to = udp_address(address, kPort);
    const auto* to_any = reinterpret_cast<const sockaddr*>(&to);
    if (bind(server_.get(), to_any, sizeof to) != 0) throw LabError("bind in " + server);
    for (const std::string& pod : pods) {
      Client& client = clients_.emplace_back(pod, udp_socket_in(pod));
      if (connect(client.socket.get(), to_any, sizeof to) != 0) throw LabError("connect in " + pod);
    }
    thread_ = std::jthread([this] { talk(); });
  }
  ~Conversations() { stopping_ = true; }

  // Waits until every pod has this many more answers.
  bool go_on(uint32_t answers = 5, Seconds limit = 20s) {
    std::vector<uint32_t> wanted;
    for (const Client& client : clients_) wanted.push_back(client.answered + answers);
    return wait_until(
        [&] {
          return std::equal(
              clients_.begin(), clients_.end(), wanted.begin(),
              [](const Client& client, uint32_t number) { return client.answered >= number; });
        },
        limit);
  }

  uint64_t answered() const {
    uint64_t sum = 0;
    for (const Client& client : clients_) sum += client.answered;
    return sum;
  }

  // Waits for outstanding answers. Returns what was lost, refused or answered twice.
  Sentences end() {
    stopping_ = true;
    thread_.join();
    Sentences astray = findings_.all();
    for (const Client& client : clients_) {
      if (client.sent != client.answered) {
        astray.push_back(client.name + ": no answer to number " + std::to_string(client.sent));
      }
    }
    return astray;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr uint16_t kPort = 7007;
  struct Client {
    Client(std::string pod, FileDescriptor opened)
        : name(std::move(pod)), socket(std::move(opened)) {}
    std::string name;
    FileDescriptor socket;
    uint32_t sent = 0;
    std::atomic<uint32_t> answered = 0;
  };
  static constexpr auto kBeat = 100ms;
  static constexpr auto kLongestAnswer = 10s;

  void talk() {
    std::vector<pollfd> readable{{.fd = server_.get(), .events = POLLIN, .revents = 0}};
    for (Client& client : clients_) {
      readable.push_back({.fd = client.socket.get(), .events = POLLIN, .revents = 0});
    }
    auto beat = Clock::now();
    auto last_answer = beat;
    while (!stopping_ || (somebody_waits() && Clock::now() < last_answer + kLongestAnswer)) {
      const auto now = Clock::now();
      if (now >= beat) {
        if (!stopping_) send_next();
        beat = now + kBeat;
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(beat - now);
      poll(readable.data(), readable.size(), static_cast<int>(left.count()));
      if (readable[0].revents != 0) serve();
      for (size_t i = 0; i < clients_.size(); ++i) {
        if (readable[i + 1].revents == 0) continue;
        last_answer = now;
        read(clients_[i]);
      }
    }
  }

  bool somebody_waits() const {
    return std::any_of(clients_.begin(), clients_.end(),
                       [](const Client& client) { return client.sent != client.answered; });
  }

  void send_next() {
    for (Client& client : clients_) {
      if (client.sent != client.answered) continue;
      const uint32_t number = client.sent + 1;
      if (send(client.socket.get(), &number, sizeof number, 0) == sizeof number) {
        client.sent = number;
      } else {
        findings_.add(client.name + ": send: " + std::strerror(errno));
      }
    }
  }

  void serve() {
    uint32_t number = 0;
    sockaddr_in from{};
    auto* peer = reinterpret_cast<sockaddr*>(&from);
    socklen_t size = sizeof from;
    while (recvfrom(server_.get(), &number, sizeof number, 0, peer, &size) == sizeof number) {
      if (sendto(server_.get(), &number, sizeof number, 0, peer, size) != sizeof number) {
        findings_.add("answer to " + text_of(from) + ": " + std::strerror(errno));
      }
    }
  }

  void read(Client& client) {
    uint32_t number = 0;
    const ssize_t size = recv(client.socket.get(), &number, sizeof number, 0);
    if (size != sizeof number) {
      findings_.add(client.name + ": receive: " + std::strerror(errno));
    } else if (number != client.answered + 1) {
      findings_.add(client.name + ": " + std::to_string(number) + " is answered after " +
                    std::to_string(client.answered));
    } else {
      client.answered = number;
    }
  }

  FileDescriptor server_;
  std::deque<Client> clients_;
  Findings findings_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace pellicle::lab
