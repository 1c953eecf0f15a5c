// Who the API server must be, and who we are to it.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "agent/kube/access.h"

namespace pellicle {

// The check of one server's certificate. OpenSSL refers to it for as long as a connection lives;
// all on the thread of the connections.
struct PeerCheck {
  std::string name;     // DNS name, or IP address to be found among the IP names
  std::string refusal;  // of the newest connection's certificate, a sentence; empty: none
};

// Sets up a client context: trusts access.ca alone (the system's authorities without one), checks
// the name against DNS and IP names, presents the client certificate. Throws AccessError naming the
// file that cannot be used.
//
// The check replaces the verification callback that a stream may set, because the one of cpprestsdk
// 2.10.18 takes the name from the Host header, port and brackets included.
void set_up_tls(boost::asio::ssl::context& context, const ApiAccess& access, PeerCheck& check);

}  // namespace pellicle
