// An HTTP proxy on the loopback device that supports only CONNECT.
#pragma once

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/kube/proxy.h"

namespace pellicle {

class ConnectProxy {
 public:
  // Answers CONNECT with this status line; relays nothing unless it is 200.
  explicit ConnectProxy(std::string answer = "HTTP/1.1 200 Connection established")
      : answer_(std::move(answer)), thread_([this] { accept(); }) {}
  ~ConnectProxy() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (auto* socket : open_) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    for (auto& each : connections_) each.join();
  }
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;

  Proxy proxy() const {
    return {
        .host = "127.0.0.1", .port = acceptor_.local_endpoint().port(), .user = "", .password = ""};
  }
  // The headers of the requests so far.
  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  using tcp = boost::asio::ip::tcp;

  void accept() {
    for (;;) {
      boost::system::error_code error;
      tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error) return;
      connections_.emplace_back([this, taken = std::move(socket)]() mutable { serve(taken); });
    }
  }
  void serve(tcp::socket& client) {
    boost::system::error_code error;
    tcp::socket server(io_);
    const Registered mine(*this, client), theirs(*this, server);
    std::string head;
    boost::asio::read_until(client, boost::asio::dynamic_buffer(head), "\r\n\r\n", error);
    if (error) return;
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    boost::asio::write(client, boost::asio::buffer(answer_ + "\r\n\r\n"), error);
    if (answer_.find(" 200") == std::string::npos) return;
    const auto target = head.substr(8, head.find(' ', 8) - 8);
    const auto colon = target.rfind(':');
    const auto port = static_cast<uint16_t>(std::stoi(target.substr(colon + 1)));
    server.connect({boost::asio::ip::make_address(target.substr(0, colon)), port}, error);
    if (error) return;
    std::thread back([&] { pass_on(server, client); });
    pass_on(client, server);
    back.join();
  }
  static void pass_on(tcp::socket& from, tcp::socket& to) {
    char bytes[4096];
    boost::system::error_code error;
    while (!error) {
      const auto size = from.read_some(boost::asio::buffer(bytes), error);
      if (size > 0) boost::asio::write(to, boost::asio::buffer(bytes, size), error);
    }
    ::shutdown(to.native_handle(), SHUT_RDWR);
    ::shutdown(from.native_handle(), SHUT_RDWR);
  }

  // A socket that the destructor may shut down while it is in use.
  struct Registered {
    ConnectProxy& proxy;
    tcp::socket& socket;
    Registered(ConnectProxy& owner, tcp::socket& used) : proxy(owner), socket(used) {
      const std::lock_guard lock(proxy.mutex_);
      proxy.open_.push_back(&socket);
    }
    ~Registered() {
      const std::lock_guard lock(proxy.mutex_);
      proxy.open_.remove(&socket);
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
  };

  std::string answer_;
  std::mutex mutex_;
  std::vector<std::string> heads_;
  std::list<tcp::socket*> open_;
  boost::asio::io_context io_;
  tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::list<std::thread> connections_;
  std::thread thread_;
};

}  // namespace pellicle
