#include "agent/http/health_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace pellicle {

namespace {

// Bytes of a request header. Health checks pad theirs up to a jumbo frame, see agent/health/.
constexpr uint32_t kMostOfARequest = 16 * 1024;

namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;

std::optional<uint16_t> port_of(const std::string& text) {
  uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(port) : std::nullopt;
}

std::optional<tcp::endpoint> endpoint(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = port_of(address.substr(colon + 1));
  if (!port) return std::nullopt;
  auto host = address.substr(0, colon);
  if (host.empty()) return tcp::endpoint(tcp::v6(), *port);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(host, error);
  return error ? std::nullopt : std::optional(tcp::endpoint(ip, *port));
}

// Falls back to 0.0.0.0 where the machine has no IPv6.
tcp::acceptor listening(boost::asio::io_context& io, const std::string& address) {
  auto wanted = endpoint(address);
  if (!wanted) throw std::runtime_error("health-address: " + health_address_problem(address));
  tcp::acceptor acceptor(io);
  boost::system::error_code error;
  acceptor.open(wanted->protocol(), error);
  if (error && wanted->address().is_unspecified()) {
    wanted = tcp::endpoint(tcp::v4(), wanted->port());
    acceptor.open(wanted->protocol(), error);
  }
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(*wanted, error);
  if (!error) acceptor.listen(16, error);
  if (error) throw std::runtime_error("listen at " + address + ": " + error.message());
  return acceptor;
}

}  // namespace

std::string health_address_problem(const std::string& address) {
  return endpoint(address) ? ""
                           : "expected an IP address and a port such as 127.0.0.1:9879, "
                             "[::1]:9879 or :9879, found '" +
                                 address + "'";
}

// One connection with one request. A client that takes longer than 5 s to send it is disconnected.
class HealthServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    place_ = shared_->asking.insert(shared_->asking.end(), this);
    request_.header_limit(kMostOfARequest);
  }
  ~Session() {
    if (asking_) {
      shared_->asking.erase(place_);
    } else {
      --shared_->answering;
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Closes the connection without an answer and frees its slot.
  void hang_up() {
    stop_asking();
    beast::error_code ignored;
    stream_.socket().close(ignored);
  }

  void run() {
    stream_.expires_after(std::chrono::seconds(5));
    http::async_read(stream_, buffer_, request_,
                     [self = shared_from_this()](beast::error_code error, size_t) {
                       if (error || !self->asking_) return;
                       self->stop_asking();
                       self->answer();
                     });
  }

 private:
  void stop_asking() {
    shared_->asking.erase(place_);
    asking_ = false;
    ++shared_->answering;
  }

  void answer() {
    const auto& request = request_.get();
    const std::string path(request.target().substr(0, request.target().find('?')));
    const auto found = shared_->paths.find(path);
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return send({.status = 405, .text = "only GET\n"});
    }
    if (found == shared_->paths.end()) return send({.status = 404, .text = "not found\n"});
    try {
      found->second([self = shared_from_this()](Answer answer) { self->send(std::move(answer)); });
    } catch (const std::exception& error) {  // fails this request only, not the daemon
      send({.status = 500, .text = std::string(error.what()) + "\n"});
    }
  }

  void send(Answer answer) {
    if (std::exchange(answered_, true)) return;
    stream_.expires_after(std::chrono::seconds(5));  // the first timer may have expired meanwhile
    response_.result(answer.status);
    response_.set(http::field::content_type, answer.type);
    if (request_.get().method() != http::verb::head) response_.body() = std::move(answer.text);
    response_.keep_alive(false);
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code, size_t) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Shared> shared_;
  std::list<Session*>::iterator place_;
  bool asking_ = true;
  bool answered_ = false;
  beast::flat_buffer buffer_{kMostOfARequest};
  http::request_parser<http::empty_body> request_;
  http::response<http::string_body> response_;
};

HealthServer::HealthServer(boost::asio::io_context& io, const std::string& address, Paths paths)
    : acceptor_(listening(io, address)),
      pause_(io),
      shared_(std::make_shared<Shared>(Shared{.paths = std::move(paths)})) {
  accept();
}

void HealthServer::accept() {
  acceptor_.async_accept(
      [this, shared = shared_](boost::system::error_code error, tcp::socket socket) {
        if (shared->closed || error == boost::asio::error::operation_aborted) return;
        if (error) return accept_later();
        auto& asking = shared->asking;
        const bool full = asking.size() + shared->answering >= kMostSessions;
        const bool somebody_waits = !asking.empty();
        if (full && somebody_waits) asking.front()->hang_up();
        if (!full || somebody_waits) {
          std::make_shared<Session>(std::move(socket), shared)->run();
        }
        accept();
      });
}

// accept() fails when, for instance, no descriptor is free. An immediate retry would fail again.
void HealthServer::accept_later() {
  pause_.expires_after(std::chrono::milliseconds(100));
  pause_.async_wait([this, shared = shared_](boost::system::error_code cancelled) {
    if (!cancelled && !shared->closed) accept();
  });
}

}  // namespace pellicle
