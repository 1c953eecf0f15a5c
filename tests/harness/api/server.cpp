#include "tests/harness/api/server.h"

#include "tests/harness/api/session.h"

namespace pellicle::api {

void Server::start(const std::string& address, uint16_t port) {
  listener_.emplace(address, port, [this](int socket) { accept(socket); });
}

void Server::stop() {
  listener_.reset();
  {
    const std::lock_guard lock(shared_.mutex);
    for (Wire* wire : shared_.wires) wire->shut();
  }
  for (Connection& connection : connections_) connection.thread.join();
  connections_.clear();
}

void Server::accept(int socket) {
  std::erase_if(connections_, [](Connection& connection) {
    if (!connection.done) return false;
    connection.thread.join();
    return true;
  });
  auto wire = std::make_unique<Wire>(socket, tls_);
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.wires.insert(wire.get());
  }
  Connection& connection = connections_.emplace_back();
  connection.thread = std::thread([this, &connection, wire = std::move(wire)]() mutable {
    serve(std::move(wire));
    connection.done = true;
  });
}

void Server::serve(std::unique_ptr<Wire> wire) {
  Session(*wire, shared_).run();
  const std::lock_guard lock(shared_.mutex);
  shared_.wires.erase(wire.get());
}

}  // namespace pellicle::api
