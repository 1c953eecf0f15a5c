#include "tests/harness/api/listener.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <system_error>

namespace pellicle::api {
namespace {

using boost::asio::ip::tcp;

// Plain sockets, because programs that a test starts must not inherit them: an agent that held the
// listener open would keep the API's port in use. Asio 1.74 cannot request SOCK_CLOEXEC.
int listening_socket(const tcp::endpoint& endpoint) {
  const int fd = socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, endpoint.data(), socklen_t(endpoint.size())) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  const int error = errno;
  if (fd >= 0) close(fd);
  throw std::system_error(
      error, std::generic_category(),
      "listen on " + endpoint.address().to_string() + " port " + std::to_string(endpoint.port()));
}

}  // namespace

Listener::Listener(const std::string& address, uint16_t port, std::function<void(int)> accepted)
    : accepted_(std::move(accepted)),
      socket_(listening_socket({boost::asio::ip::make_address(address), port})),
      stop_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { accept_all(); }) {}

Listener::~Listener() {
  eventfd_write(stop_, 1);
  thread_.join();
  close(socket_);
  close(stop_);
}

uint16_t Listener::port() const {
  tcp::endpoint endpoint;
  auto size = socklen_t(endpoint.capacity());
  if (getsockname(socket_, endpoint.data(), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "getsockname");
  endpoint.resize(size);
  return endpoint.port();
}

void Listener::accept_all() {
  for (;;) {
    std::array<pollfd, 2> fds = {{{socket_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) return;
    const int fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) accepted_(fd);
  }
}

}  // namespace pellicle::api
