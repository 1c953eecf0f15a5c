// One connection: TLS, HTTP/1.1, and the ways to break it. The only file of the fixture that uses
// Boost.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/harness/api/certificates.h"
#include "tests/harness/api/message.h"

namespace pellicle::api {

// The server side of every TLS handshake; shared by the connections.
class Tls {
 public:
  // Clients may present a certificate from `authority_pem`. Throws if a PEM text is unusable.
  Tls(const Certificate& server, const std::string& authority_pem);
  ~Tls();

  std::atomic<uint64_t> sent = 0;  // bytes that all connections have sent, as TLS

 private:
  friend class Wire;
  struct Context;
  std::unique_ptr<Context> context_;
};

// Used by the thread that serves the connection; notify() and shut() by any thread. Calls throw
// std::runtime_error once the peer is gone.
class Wire {
 public:
  Wire(int socket, Tls& tls);  // owns the socket and closes it
  ~Wire();

  void handshake();

  // The common name of the client's certificate; nullopt if it sent none. Throws Refusal (401) for
  // a certificate from another authority.
  std::optional<std::string> certificate_user() const;

  std::optional<Request> read();  // nullopt: the peer has finished
  void send(const Response& response, bool keep_alive);
  void send_half(const Response& response);  // announces the whole length, sends half of it

  // An answer without a length: chunks until end_chunks(), as one gzip stream if wanted.
  void begin_chunks(bool gzip = false);
  void send_chunk(std::string_view text);
  void end_chunks();

  void say_goodbye();     // TLS close_notify; without it the end looks like a crash
  void reset_on_close();  // RST: the peer loses what it has not read yet

  enum class Woken { by_notify, by_timeout, by_peer_leaving };
  Woken wait(std::chrono::steady_clock::time_point until);

  void notify();  // ends a wait
  void shut();    // ends every operation of this connection, now and later

 private:
  struct Stream;
  bool peer_left();
  void count();
  Tls& tls_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace pellicle::api
