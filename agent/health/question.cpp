#include "agent/health/question.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace pellicle {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kUsualSegment = 1400;              // bytes, when TCP_MAXSEG is not available
constexpr size_t kMostPadding = size_t{12} * 1024;  // bytes; HealthServer reads at most 16 KiB

tcp::endpoint endpoint(const IpAddress& address, uint16_t port) {
  return {boost::asio::ip::make_address(address.to_string()), port};
}

// A request longer than one segment, so that at least one segment is full.
std::string full_request(tcp::socket& socket) {
  int segment = 0;
  socklen_t length = sizeof segment;
  getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &segment, &length);
  const auto padding = segment > 0 ? static_cast<size_t>(segment) : kUsualSegment;
  return "GET /hello HTTP/1.1\r\nHost: health\r\nX-Padding: " +
         std::string(std::min(padding, kMostPadding), '0') + "\r\nConnection: close\r\n\r\n";
}

// True when the peer's kernel acknowledged everything. This does not depend on the peer's agent.
bool all_acknowledged(tcp::socket& socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  const int failed = getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &length);
  return failed == 0 && info.tcpi_unacked == 0;
}

HealthAnswer answer_of(const error_code& error) {
  namespace errors = boost::asio::error;
  if (error == errors::connection_refused || error == errors::connection_reset ||
      error == errors::broken_pipe || error == errors::eof) {
    return HealthAnswer::refused;
  }
  if (error == boost::asio::error::timed_out || error == boost::asio::error::host_unreachable) {
    return HealthAnswer::silent;  // host_unreachable: no ARP or NDP answer
  }
  return HealthAnswer::no_way;
}

// Buffers to write and read. Each operation holds a reference: a cancelled operation still accesses
// its buffer, and the question may be gone by then.
struct Exchange {
  std::string request;
  boost::asio::streambuf response{1024};
};

class Question : public HealthQuestion, public std::enable_shared_from_this<Question> {
 public:
  Question(boost::asio::io_context& io, const HealthPath& path, Done done)
      : path_(path), done_(std::move(done)), socket_(io), timer_(io) {}

  void start(std::chrono::seconds patience) {
    timer_.expires_after(patience);
    timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
      const auto self = weak.lock();
      if (!cancelled && self) self->end(self->answer_so_far());
    });
    const auto wanted = endpoint(path_.address, kClusterHealthPort);
    error_code error;
    socket_.open(wanted.protocol(), error);
    if (!error && path_.source) socket_.bind(endpoint(*path_.source, 0), error);
    if (error) return end_later(error);
    began_ = std::chrono::steady_clock::now();
    socket_.async_connect(wanted, [weak = weak_from_this()](error_code failed) {
      if (const auto self = weak.lock()) self->connected(failed);
    });
  }

 private:
  HealthAnswer answer_so_far() {
    if (!connected_) return HealthAnswer::silent;
    return all_acknowledged(socket_) ? HealthAnswer::mute : HealthAnswer::stalled;
  }

  void connected(error_code error) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) return end(answer_of(error), error.message());
    connected_ = true;
    latency_ = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began_);
    exchange_->request = full_request(socket_);
    boost::asio::async_write(
        socket_, boost::asio::buffer(exchange_->request),
        [weak = weak_from_this(), exchange = exchange_](error_code failed, size_t) {
          if (const auto self = weak.lock()) self->sent(failed);
        });
  }

  void sent(error_code error) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) return end(answer_of(error), error.message());
    boost::asio::async_read_until(
        socket_, exchange_->response, "\r\n",
        [weak = weak_from_this(), exchange = exchange_](error_code failed, size_t) {
          if (const auto self = weak.lock()) self->heard(failed);
        });
  }

  void heard(error_code error) {
    if (error == boost::asio::error::operation_aborted) return;
    if (error) return end(answer_of(error), error.message());
    end(HealthAnswer::good);
  }

  void end_later(const error_code& error) {
    boost::asio::post(socket_.get_executor(), [weak = weak_from_this(), error] {
      if (const auto self = weak.lock()) self->end(HealthAnswer::no_way, error.message());
    });
  }

  // Closes with a reset, so that no socket stays in TIME_WAIT.
  void end(HealthAnswer answer, const std::string& words = "") {
    timer_.cancel();
    error_code ignored;
    socket_.set_option(tcp::socket::linger(true, 0), ignored);
    socket_.close(ignored);
    if (!done_) return;
    const auto done = std::move(done_);
    done_ = nullptr;
    done({.answer = answer,
          .latency = latency_,
          .words = answer == HealthAnswer::no_way ? words : "",
          .checked = std::chrono::system_clock::now(),
          .since = {}});
  }

  HealthPath path_;
  Done done_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point began_{};
  std::chrono::microseconds latency_{0};
  bool connected_ = false;
  std::shared_ptr<Exchange> exchange_ = std::make_shared<Exchange>();
};

}  // namespace

std::shared_ptr<HealthQuestion> HealthQuestion::ask(boost::asio::io_context& io,
                                                    const HealthPath& path,
                                                    std::chrono::seconds patience, Done done) {
  // Not make_shared: cancelled operations keep weak references, which would keep its memory
  // allocated after its destruction, and the sanitizers would not see accesses to it.
  const std::shared_ptr<Question> question(new Question(io, path, std::move(done)));
  question->start(patience);
  return question;
}

}  // namespace pellicle
