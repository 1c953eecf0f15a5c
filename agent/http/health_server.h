// What kubelet and Prometheus ask of a daemon of ours, over plain HTTP: nothing secret is told.
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

// Why HealthServer takes no such address, in words for whoever wrote it; empty when it does.
std::string health_address_problem(const std::string& address);

// GET of one of these paths.
class HealthServer {
 public:
  struct Answer {
    unsigned status = 200;
    std::string text;
    std::string type = "text/plain; charset=utf-8";
  };
  // Takes the answer to one request, on the server's thread; one that comes late is left unsent.
  using Reply = std::function<void(Answer)>;
  // Answers a path at once, or keeps the reply and answers later. What it throws is answered with
  // 500.
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

  // `address` is "127.0.0.1:9234", "[::1]:9234" or ":9234" for every address of this machine, in
  // the network namespace of the calling thread. std::runtime_error when it cannot be listened on.
  HealthServer(boost::asio::io_context& io, const std::string& address, Paths paths);
  ~HealthServer() { shared_->closed = true; }
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  class Session;
  // A daemon's descriptors are for its work. Who comes while there are as many takes the place of
  // who has been asking longest: a probe asks at once, and nobody keeps it out by saying nothing.
  static constexpr size_t kMostSessions = 32;
  void accept();
  void accept_later();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  // What sessions need of us, and outlives us in them.
  struct Shared {
    Paths paths;
    std::list<Session*> asking;  // their requests are not complete yet
    size_t answering = 0;
    bool closed = false;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace pellicle
