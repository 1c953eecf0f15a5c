// One connection to a server of the agent that runs on `io` in this thread.
#pragma once

#include <boost/asio.hpp>
#include <string>

namespace pellicle::fuzz {

// Sends all of `sent`, shuts down the sending side, and returns the answer up to the server's
// close. `from`: the local address to bind, or null.
template <class Endpoint>
std::string exchange(boost::asio::io_context& io, const Endpoint& server, const std::string& sent,
                     const Endpoint* from = nullptr) {
  using Socket = typename Endpoint::protocol_type::socket;
  Socket socket(io, server.protocol());
  if (from) socket.bind(*from);
  socket.connect(server);
  std::string received;
  bool over = false;
  boost::asio::async_write(socket, boost::asio::buffer(sent),
                           [&](boost::system::error_code, size_t) {
                             boost::system::error_code ignored;
                             socket.shutdown(Socket::shutdown_send, ignored);
                           });
  boost::asio::async_read(socket, boost::asio::dynamic_buffer(received),
                          [&](boost::system::error_code, size_t) { over = true; });
  while (!over) io.run_one();
  boost::system::error_code ignored;
  socket.close(ignored);  // completes a pending write
  io.poll();
  return received;
}

}  // namespace pellicle::fuzz
