// A TLS server that sends given bytes and closes at a given point, for answers that no HTTP library
// would send.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "agent/kube/access.h"
#include "tests/harness/api/certificates.h"

namespace pellicle {

class RawServer {
 public:
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
  // Called for each request; connections and requests count from 0. False: close without an answer.
  struct Asked {
    int connection = 0;
    int request = 0;
    std::string text;  // the request's headers
  };
  using Serve = std::function<bool(Stream& stream, const Asked& asked)>;

  RawServer(api::Certificate certificate, Serve serve)
      : certificate_(std::move(certificate)), serve_(std::move(serve)) {
    thread_ = std::thread([this] { accept(); });
  }
  ~RawServer() {
    stopped_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int open : sockets_) ::shutdown(open, SHUT_RDWR);
    }
    for (auto& each : connections_) each.join();
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  // For future connections.
  void present(api::Certificate certificate) {
    const std::lock_guard lock(mutex_);
    certificate_ = std::move(certificate);
  }
  std::string url() const {
    return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  ApiAccess access(const std::string& ca_pem) const {
    return {.scheme_host_port = url(), .ca = {.text = ca_pem}, .token = "any"};
  }
  int connections() const { return count_; }

 private:
  void accept() {
    while (!stopped_) {
      boost::system::error_code error;
      boost::asio::ip::tcp::socket socket(io_);
      acceptor_.accept(socket, error);
      if (error) return;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket.native_handle());
      connections_.emplace_back([this, number = count_++, certificate = certificate_,
                                 taken = std::move(socket)]() mutable {
        const int handle = taken.native_handle();
        converse(std::move(taken), certificate, number);
        const std::lock_guard done(mutex_);
        sockets_.remove(handle);
      });
    }
  }
  void converse(boost::asio::ip::tcp::socket socket, const api::Certificate& certificate,
                int number) {
    boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
    context.use_certificate_chain(boost::asio::buffer(certificate.certificate_pem));
    context.use_private_key(boost::asio::buffer(certificate.key_pem),
                            boost::asio::ssl::context::pem);
    socket.set_option(boost::asio::ip::tcp::no_delay(true));
    Stream stream(std::move(socket), context);
    boost::system::error_code error;
    stream.handshake(boost::asio::ssl::stream_base::server, error);
    std::string unread;
    for (int request = 0; !error; ++request) {
      const auto size =
          boost::asio::read_until(stream, boost::asio::dynamic_buffer(unread), "\r\n\r\n", error);
      if (error) return;
      const Asked asked{.connection = number, .request = request, .text = unread.substr(0, size)};
      unread.erase(0, size);
      if (!serve_(stream, asked)) return;
    }
  }

  std::mutex mutex_;
  api::Certificate certificate_;
  Serve serve_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::atomic<bool> stopped_ = false;
  std::atomic<int> count_ = 0;
  std::list<int> sockets_;
  std::list<std::thread> connections_;
  std::thread thread_;
};

}  // namespace pellicle
