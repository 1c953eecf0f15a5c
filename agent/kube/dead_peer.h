// TCP's own means against a peer that vanishes.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

namespace pellicle {

// Detects within a minute that the other end vanished without closing the connection, instead of at
// the end of a watch. The socket is opened early, which needs a known address family.
void notice_dead_peer(boost::asio::ip::tcp::socket& socket, const std::string& host);

}  // namespace pellicle
