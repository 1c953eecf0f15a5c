// What kubelet and Prometheus ask of a daemon of ours, over plain HTTP: nothing secret is told.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace pellicle {

// GET of one of these paths.
class HealthServer {
 public:
  struct Answer {
    unsigned status = 200;
    std::string text;
    std::string type = "text/plain; charset=utf-8";
  };
  using Paths = std::map<std::string, std::function<Answer()>>;

  // `address` is "127.0.0.1:9234", "[::1]:9234" or ":9234" for every address of this machine, in
  // the network namespace of the calling thread. std::runtime_error when it cannot be listened on.
  HealthServer(boost::asio::io_context& io, const std::string& address, Paths paths);
  ~HealthServer() { shared_->closed = true; }
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  class Session;
  // Who comes while there are as many is hung up on: a daemon's descriptors are for its work.
  static constexpr size_t kMostSessions = 32;
  void accept();
  void accept_later();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  // What sessions need of us, and outlives us in them.
  struct Shared {
    Paths paths;
    size_t sessions = 0;
    bool closed = false;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace pellicle
