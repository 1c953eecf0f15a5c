// HTTP exchanges with one server, carried out by cpprestsdk 2.10.18 (in maintenance mode) on a
// thread of its own. wire.cpp is the only file that names the library, and the only one with a
// mutex.
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

// What becomes of an exchange, in this order.
struct WireHeaders {
  uint16_t status = 0;
  std::optional<std::chrono::seconds> retry_after;
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
  // Closes every connection and waits, at most two seconds, until the library has let go of them.
  // Nothing is posted afterwards.
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Starts an exchange; `bearer` is a token, or empty.
  void send(uint64_t id, const Request& request, const std::string& bearer);
  // Closes the connection of an exchange. What it had to say may still be delivered.
  void abort(uint64_t id);
  // Exchanges to come have new connections: their certificates are read anew.
  void renew();
  // An exchange has ended.
  void forget(uint64_t id);

 private:
  class Mailbox;
  struct Connections;
  struct Exchange;
  std::string server_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace pellicle
