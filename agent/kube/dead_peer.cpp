#include "agent/kube/dead_peer.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "agent/model/ip.h"

namespace pellicle {

using boost::asio::ip::tcp;

void notice_dead_peer(tcp::socket& socket, const std::string& host) {
  boost::system::error_code error;
  const auto address = IpAddress::parse(host);
  if (!socket.is_open()) {
    if (!address) return;
    socket.open(address->family() == Family::v4 ? tcp::v4() : tcp::v6(), error);
    if (error) return;
  }
  const auto set = [&](int level, int option, int value) {
    (void)setsockopt(socket.native_handle(), level, option, &value, sizeof(value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 20);   // seconds
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);  // seconds
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 50'000);  // milliseconds
}

}  // namespace pellicle
