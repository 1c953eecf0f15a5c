// Plain HTTP server for kubelet's probes and Prometheus. Its answers contain no secrets.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace pellicle {

// Why HealthServer cannot parse `address`, as a sentence for the user; empty when it can.
std::string health_address_problem(const std::string& address);

// Answers GET and HEAD for a fixed set of paths.
class HealthServer {
 public:
  struct Answer {
    unsigned status = 200;
    std::string text;
    std::string type = "text/plain; charset=utf-8";
  };
  // Sends the answer to one request; called on the server's thread. Only the first call counts, and
  // only while the connection is open.
  using Reply = std::function<void(Answer)>;
  // Answers a path at once, or keeps the reply and answers later. An exception is answered with
  // status 500.
  class Source {
   public:
    template <class Now>
    requires std::is_invocable_r_v<Answer, Now&> Source(
        Now now)  // NOLINT(google-explicit-constructor): the usual one
        : answer_([now](const Reply& reply) mutable { reply(now()); }) {}
    static Source later(std::function<void(const Reply&)> answer) {
      return Source(Later{}, std::move(answer));
    }
    void operator()(const Reply& reply) const { answer_(reply); }

   private:
    struct Later {};
    Source(Later, std::function<void(const Reply&)> answer) : answer_(std::move(answer)) {}
    std::function<void(const Reply&)> answer_;
  };
  using Paths = std::map<std::string, Source>;

  // `address` is "127.0.0.1:9234", "[::1]:9234", or ":9234" for every address of this machine, in
  // the network namespace of the calling thread. Throws std::runtime_error when it cannot listen
  // there.
  HealthServer(boost::asio::io_context& io, const std::string& address, Paths paths);
  ~HealthServer() { shared_->closed = true; }
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  class Session;
  // Limits the descriptors that clients can take from the daemon. At the limit, a new connection
  // replaces the oldest one whose request is incomplete: a probe sends its request at once, so
  // silent clients cannot keep it out.
  static constexpr size_t kMostSessions = 32;
  void accept();
  void accept_later();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  // State that sessions share. They may outlive the server.
  struct Shared {
    Paths paths;
    std::list<Session*> asking;  // sessions with an incomplete request, oldest first
    size_t answering = 0;        // sessions with a complete request
    bool closed = false;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace pellicle
