// TLS towards the API server: verification of the server, and the client certificate.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "agent/kube/access.h"

namespace pellicle {

// State of the check of one server's certificate. OpenSSL refers to it as long as a connection
// lives. Used on the connections' thread only.
struct PeerCheck {
  std::string name;     // expected DNS name, or IP address to find among the certificate's IP names
  std::string refusal;  // one sentence about the newest connection's certificate; empty: accepted
};

// Sets up a client context: trusts only access.ca (without one, the system's authorities), checks
// the name against DNS and IP names, presents the client certificate. Throws AccessError that names
// the unusable file.
//
// The check replaces the stream's verification callback: that of cpprestsdk 2.10.18 takes the name
// from the Host header, with port and brackets.
void set_up_tls(boost::asio::ssl::context& context, const ApiAccess& access, PeerCheck& check);

}  // namespace pellicle
