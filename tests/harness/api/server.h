// The listener, and one thread per connection.
#pragma once

#include <atomic>
#include <list>
#include <optional>
#include <thread>

#include "tests/harness/api/listener.h"
#include "tests/harness/api/shared.h"
#include "tests/harness/api/wire.h"

namespace pellicle::api {

class Server {
 public:
  Server(Tls& tls, Shared& shared) : tls_(tls), shared_(shared) {}
  ~Server() { stop(); }

  // Throws std::system_error if it cannot listen on the address.
  void start(const std::string& address, uint16_t port);
  uint16_t port() const { return listener_->port(); }  // while started

  // Closes the listener and every connection, and waits for their threads.
  void stop();

 private:
  struct Connection {
    std::thread thread;
    std::atomic<bool> done = false;
  };

  void accept(int socket);  // on the listener's thread
  void serve(std::unique_ptr<Wire> wire);

  Tls& tls_;
  Shared& shared_;
  std::list<Connection> connections_;  // owned by the listener's thread; by this one after it ends
  std::optional<Listener> listener_;
};

}  // namespace pellicle::api
