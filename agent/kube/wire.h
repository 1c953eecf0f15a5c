// HTTP exchanges with one server, run by cpprestsdk 2.10.18 (in maintenance mode) on its own
// thread. Only wire.cpp uses the library, and only wire.cpp has a mutex.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "agent/kube/access.h"
#include "agent/kube/http.h"

namespace pellicle {

// Events of an exchange, in this order.
struct WireHeaders {
  uint16_t status = 0;
  std::optional<std::chrono::seconds> retry_after;
  std::string encoding = {};  // Content-Encoding of the body, which arrives as it was sent
};
struct WirePiece {
  std::string bytes;  // of the body, as they arrive
};
struct WireEnd {
  std::string error;  // empty: the answer is complete
};
using WireEvent = std::variant<WireHeaders, WirePiece, WireEnd>;

class Wire {
 public:
  // `deliver` runs on the io_context's thread, after the call that caused it has returned.
  using Deliver = std::function<void(uint64_t id, const WireEvent& event)>;

  Wire(boost::asio::io_context& io, const ApiAccess& access, Deliver deliver);
  // Closes every connection and waits at most two seconds until the library has released them.
  // Posts nothing afterwards.
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Starts an exchange. `bearer`: a token, or empty.
  void send(uint64_t id, const Request& request, const std::string& bearer);
  // Closes the connection of an exchange. Its events may still be delivered.
  void abort(uint64_t id);
  // Later exchanges use new connections, which read the certificates again.
  void renew();
  // Call when an exchange has ended.
  void forget(uint64_t id);

 private:
  class Mailbox;
  struct Connections;
  struct Exchange;
  std::string server_;
  std::string program_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace pellicle
